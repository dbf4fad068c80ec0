// A client of examples/projects, typed by its document: node client.js URL
import createClient from "openapi-fetch";

import type { paths } from "./schema.js";

declare const process: { argv: string[] };

type Project = paths["/api/projects"]["post"]["responses"][201]["content"]["application/json"];
type Problem = NonNullable<
  paths["/api/projects"]["post"]["responses"][422]["content"]
>["application/problem+json"];

function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

const url = process.argv[2];
check(url, "no URL was given");
const client = createClient<paths>({ baseUrl: url });

const created = await client.POST("/api/projects", {
  body: { name: "From TypeScript", slug: "from-typescript", description: "" },
});
check(created.response.status === 201, `create: ${created.response.status}`);
check(created.data, "create: no data");
const project: Project = created.data;
check(project.name === "From TypeScript", `create: ${project.name}`);
check(
  created.response.headers.get("Location") === `/api/project/${project.id}`,
  "create: another Location",
);

const listed = await client.GET("/api/projects", { params: { query: { limit: 100, offset: 0 } } });
check(listed.data, `list: ${listed.response.status}`);
const found: Project | undefined = listed.data.projects.find((one) => one.id === project.id);
check(found, "list: the project is not there");
check(listed.data.total >= 1, `list: ${listed.data.total}`);

const params = { params: { path: { project_id: project.id } } };
const read = await client.GET("/api/project/{project_id}", params);
check(read.data?.slug === "from-typescript", `get: ${read.response.status}`);

const updated = await client.PUT("/api/project/{project_id}", {
  ...params,
  body: { name: "Updated", slug: "from-typescript", description: "new" },
});
check(updated.data?.name === "Updated", `update: ${updated.response.status}`);
check(updated.data.description === "new", `update: ${updated.data.description}`);

const refused = await client.POST("/api/projects", { body: { name: "", slug: "A", description: "" } });
check(refused.response.status === 422, `refused: ${refused.response.status}`);
check(refused.error, "refused: no problem");
const problem: Problem = refused.error;
check(problem.status === 422, `refused: ${problem.status}`);
const pointers = (problem.errors ?? []).map((error) => error.pointer).sort();
check(pointers.join() === "#/name,#/slug", `refused: ${pointers.join()}`);

const deleted = await client.DELETE("/api/project/{project_id}", params);
check(deleted.response.status === 204, `delete: ${deleted.response.status}`);
const gone = await client.GET("/api/project/{project_id}", params);
check(gone.response.status === 404, `gone: ${gone.response.status}`);
check(gone.error?.title === "Not Found", `gone: ${gone.error?.title}`);
console.log("done");
