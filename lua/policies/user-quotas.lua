-- SPDX-License-Identifier: Apache-2.0
-- Per user: how many containers, how much memory, how many images, how many new containers an hour.
policy { version = "1.0", needs = { "counter" } }

local quotas = {
  ci = { containers = 200, memory_mib = 65536, images = 500, creates_per_hour = 2000 },
  default = { containers = 20, memory_mib = 8192, images = 50, creates_per_hour = 100 },
}

local function quota_of(request)
  local user = request.who.user or tostring(request.who.uid)
  return user, quotas[user] or quotas.default, (request.engine or {}).usage or {}
end

hook {
  name = "containers",
  point = "container.create",
  priority = 30,
  run = function(request)
    local user, quota, usage = quota_of(request)
    if (usage.containers or 0) >= quota.containers then
      return deny(("user %s has %d containers, the most allowed"):format(user, usage.containers))
    end
    local asked = (request.object.HostConfig or {}).Memory or 0
    if (usage.memory_bytes or 0) + asked > quota.memory_mib * 1024 * 1024 then
      return deny(("user %s would have more than %d MiB of memory in containers"):format(user, quota.memory_mib))
    end
    if gantry.counter.add("creates/" .. user, 1, 3600) > quota.creates_per_hour then
      return deny(("user %s made %d containers in the last hour, the most allowed"):format(user, quota.creates_per_hour))
    end
  end,
}

hook {
  name = "images",
  point = "image.pull",
  run = function(request)
    local user, quota, usage = quota_of(request)
    if (usage.images or 0) >= quota.images then
      return deny(("user %s has %d images, the most allowed"):format(user, usage.images))
    end
  end,
}
