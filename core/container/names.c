/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/container/create.h"
#include "helpers/cleanup.h"

static const char *const moods[] = {
	"amber", "brave", "brisk", "calm", "clever", "crisp", "daring", "deft", "eager", "early",
	"fair", "fleet", "fond", "frank", "fresh", "gentle", "glad", "grand", "hardy", "hearty",
	"jolly", "keen", "kind", "lively", "lucid", "lucky", "merry", "mild", "neat", "nimble",
	"noble", "patient", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "robust",
	"serene", "sharp", "smart", "snug", "solid", "spry", "steady", "stout", "sunny", "swift",
	"tidy", "trusty", "upbeat", "vivid", "warm", "wise", "witty", "zesty",
};

static const char *const builders[] = {
	"ammann", "ampere", "arup", "baker", "bazalgette", "bogle", "boulton", "brunel", "cayley",
	"cubitt", "curie", "davinci", "eads", "eiffel", "ellet", "faber", "fairbairn", "farmer",
	"fuller", "goethals", "gooch", "hodgkinson", "hopper", "isler", "johnson", "kapitza", "khan",
	"knight", "lamarr", "lin", "lovelace", "maillart", "marconi", "maudslay", "menn", "moisseiff",
	"navier", "newcomen", "noether", "otto", "otis", "rennie", "roebling", "shukhov", "smeaton",
	"stephenson", "telford", "tesla", "trevithick", "vitruvius", "warner", "watt", "whitworth",
	"wren", "zuse",
};

void create_random_name(char name[64])
{
	uint32_t r[3];

	if (getrandom(r, sizeof(r), 0) != sizeof(r)) {
		memset(r, 0, sizeof(r));
	}
	/* A number keeps a collision unlikely with thousands of containers. */
	snprintf(name, 64, "%s_%s%u", moods[r[0] % ARRAY_SIZE(moods)],
		 builders[r[1] % ARRAY_SIZE(builders)], r[2] % 1000);
}

void create_random_id(char id[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		memset(bytes, 0, sizeof(bytes));
	}
	for (int i = 0; i < 32; i++) {
		id[2 * i] = digits[bytes[i] >> 4];
		id[2 * i + 1] = digits[bytes[i] & 15];
	}
	id[64] = '\0';
}

int create_is_valid_name(const char *name)
{
	size_t n = strlen(name);

	if (n < 2 || n > 255 || !isalnum((unsigned char)name[0])) {
		return 0;
	}
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p)) {
			return 0;
		}
	}
	return 1;
}
