-- wrk: POST the file that is named after "--".
function init(args)
  if args[1] then
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*all")
    wrk.headers["Content-Type"] = "application/json"
    file:close()
  end
end
