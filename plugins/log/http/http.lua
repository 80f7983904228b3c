-- SPDX-License-Identifier: Apache-2.0
-- log/http: lines in batches to an HTTP endpoint, as JSON lines.
--
--     --log-driver http --log-opt url=https://logs.example.com/ingest --log-opt batch-lines=200
driver {
  kind = "log",
  name = "http",
  version = "0.1.0",
  licence = "Apache-2.0",
  summary = "Container output in batches to an HTTP endpoint",
  needs = { "http:**" },
  config = {
    { name = "url", doc = "of logs that say nothing else" },
    { name = "token", doc = "of logs that say nothing else" },
  },
}

local log = {}
local open = {}                    -- handle -> {url, lines, bytes, ...}
local next_handle = 1
local keep_bytes = 1024 * 1024     -- what waits for an endpoint that does not answer

local known = { url = true, ["batch-lines"] = true, token = true, labels = true }

local function check(options)
  for key in pairs(options) do
    if not known[key] then fail("INVALID", "unknown log option " .. key, "the options are url, batch-lines, token and labels") end
  end
  if not (options.url or config.url or ""):match("^https?://[^/]") then
    fail("INVALID", "log driver http needs the option url", "--log-opt url=https://logs.example.com/ingest")
  end
  if options["batch-lines"] and not tonumber(options["batch-lines"]) then
    fail("INVALID", "batch-lines is not a number: " .. options["batch-lines"])
  end
end

-- Sends what waits; on failure it goes on waiting, until that is too much: then
-- the container waits, which is how it learns that its log is not kept.
local function flush(stream)
  if #stream.lines == 0 then return end
  local headers = { ["Content-Type"] = "application/x-ndjson" }
  if stream.token then headers.Authorization = "Bearer " .. stream.token end
  local ok, status = pcall(gantry.http, "POST", stream.url, headers, table.concat(stream.lines, "\n") .. "\n")
  if ok and status >= 200 and status < 300 then
    stream.lines, stream.bytes = {}, 0
    return
  end
  stream.problem = ok and ("the endpoint answered " .. status) or tostring(status)
  if stream.bytes > keep_bytes then
    fail("UNAVAILABLE", ("cannot send the log of %s to %s: %s"):format(stream.container, stream.url, stream.problem))
  end
end

function log.check_options(args)
  check(args.options or {})
end

function log.open(args)
  local options = args.options or {}
  check(options)
  local handle = next_handle
  next_handle = handle + 1
  open[handle] = {
    url = options.url or config.url, token = options.token or config.token, container = args.container,
    name = (args.info or {}).Name, batch = tonumber(options["batch-lines"]) or 100,
    lines = {}, bytes = 0,
  }
  return { log = handle }
end

function log.write(args)
  local stream = open[args.log] or fail("NOT_FOUND", "this log is not open")
  local text = args.data or ""
  local clean = utf8.len(text) and text or text:gsub("[\128-\255]", "?")
  local line = gantry.json.encode {
    time_ns = args.time_ns, stream = args.stream == 2 and "stderr" or "stdout", container = stream.container,
    name = stream.name, log = clean, partial = args.partial or nil,
  }
  stream.lines[#stream.lines + 1] = line
  stream.bytes = stream.bytes + #line
  if #stream.lines >= stream.batch then flush(stream) end
end

function log.close(args)
  local stream = open[args.log]
  if not stream then return end
  flush(stream)
  open[args.log] = nil
  if #stream.lines > 0 then
    fail("UNAVAILABLE", ("the last %d lines of %s were not sent: %s"):format(#stream.lines, stream.container, stream.problem))
  end
end

return log
