-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: Redis: overwrite a library function for the next user
-- expect: error cannot change the library 'string'
string.rep = function() return "evil" end
