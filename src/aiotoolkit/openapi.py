"""An OpenAPI 3.1 description made of the routes and schemas that run, or the other way round."""
