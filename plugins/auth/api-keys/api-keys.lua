-- SPDX-License-Identifier: Apache-2.0
-- auth/api-keys: the header X-Api-Key, with expiry and a rate per user.
--
-- The keys are the secret "api-keys", a file of the folder that the setting `secrets` names, of lines
--
--     USER SHA256-OF-KEY [until=2027-01-31] [rate=60] [read-only] [administrator] [group=NAME]
driver {
  kind = "auth",
  name = "api-keys",
  version = "0.1.0",
  licence = "Apache-2.0",
  summary = "API keys with expiry and rate limits",
  needs = { "secret:api-keys", "counter" },
  config = {
    { name = "secrets", doc = "the folder that holds the file api-keys" },
    { name = "header", default = "x-api-key", doc = "where the key stands, in lower case" },
  },
}

local auth = {}

-- A line as a table, or nil for a comment and what is malformed.
local function parse(line)
  local user, digest, rest = line:match("^([%w_.@-]+)%s+(%x+)%s*(.*)$")
  if not user or #digest ~= 64 then return nil end
  local entry = { user = user, digest = digest:lower(), groups = {} }
  for word in rest:gmatch("%S+") do
    local name, value = word:match("^(%l+)=(%S+)$")
    if name == "until" then entry.ends = value
    elseif name == "rate" then entry.rate = tonumber(value)
    elseif name == "group" then entry.groups[#entry.groups + 1] = value
    elseif word == "read-only" then entry.read_only = true
    elseif word == "administrator" then entry.administrator = true
    else return nil end -- half of what was meant would be more than was meant
  end
  return entry
end

local function refuse(reason)
  return { decision = "refused", reason = reason, challenge = 'ApiKey realm="gantry"' }
end

function auth.identify(args)
  local key = (args.headers or {})[config.header]
  if not key then return { decision = "unknown" } end
  -- What is compared is a digest, so how long it takes says nothing of a key.
  local digest, entry = gantry.digest(key):gsub("^sha256:", ""), nil
  for line in gantry.secret("api-keys"):gmatch("[^\n]+") do
    local one = parse(line)
    if one and one.digest == digest then entry = one end
  end
  if not entry then return refuse("the API key is not known here") end
  if entry.ends and gantry.date().text:sub(1, 10) > entry.ends then
    return refuse("the API key of " .. entry.user .. " ended on " .. entry.ends)
  end
  if entry.rate and gantry.counter.add("rate/" .. entry.user, 1, 60) > entry.rate then
    return refuse(("%s asked more than %d times in a minute"):format(entry.user, entry.rate))
  end
  return { decision = "known", user = entry.user, groups = entry.groups, auth = "api-key",
    read_only = entry.read_only, administrator = entry.administrator }
end

return auth
