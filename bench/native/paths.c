// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "event.h"
#include "paths.h"

static const char *const words[] = {"report", "budget", "notes",  "draft",  "photo",  "invoice", "meeting", "archive",
				    "source", "module", "parser", "server", "client", "config",  "script",  "readme"};
static const char *const endings[] = {".c", ".h", ".py", ".txt", ".odt", ".jpg", ".md", ".json"};

enum { WORDS = sizeof(words) / sizeof(*words), ENDINGS = sizeof(endings) / sizeof(*endings) };

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x7fb5d329728ea185;
	x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
	return x ^ x >> 33;
}

/* A maildir: 50 messages changed in each box. */
static int mail_path(char *path, uint64_t i)
{
	uint64_t box = i / 50, r = mix(i);

	return sprintf(path, "/mail/%02x/%02x/user%06u/Maildir/cur/%u.M%06uP%u.mx%u:2,%s", (unsigned)(mix(box) & 0xff),
		       (unsigned)(mix(box) >> 8 & 0xff), (unsigned)box, 1764300000 + (unsigned)(r % 864000),
		       (unsigned)(r >> 20) % 1000000, 1000 + (unsigned)(r >> 40) % 30000, 1 + (unsigned)(r >> 60) % 4,
		       r & 1 << 20 ? "S" : "FS");
}

/* Trees of people's files: a dozen in a directory. */
static int home_path(char *path, uint64_t i)
{
	uint64_t directory = i / 12, r = mix(directory);
	int length = sprintf(path, "/home/user%04u", (unsigned)(directory / 500));

	for (uint64_t level = 0, rest = directory % 500; level < 2 + r % 4; level++, rest /= WORDS)
		length += sprintf(path + length, "/%s%s", words[(rest + level) % WORDS], level & 1 ? "s" : "");
	return length + sprintf(path + length, "/%s-%u/%s_%s%u%s", words[r >> 8 & 15], (unsigned)(directory % 500),
				words[mix(i) & 15], words[mix(i) >> 4 & 15], (unsigned)(i % 12),
				endings[mix(i) >> 8 & 7]);
}

/* Layers of container images: 8,000 files each, unpacked in order. */
static int container_path(char *path, uint64_t i)
{
	uint64_t layer = i / 8000, inside = i % 8000, directory = inside / 16;
	int length = sprintf(path, "/var/lib/containers/storage/overlay/");

	for (unsigned part = 0; part < 4; part++)
		length += sprintf(path + length, "%016llx", (unsigned long long)mix(layer * 4 + part + 1));
	return length + sprintf(path + length, "/diff/usr/lib/python3/dist-packages/%s_%s/%s%u/%s_%s%u%s",
				words[directory & 15], words[directory >> 4 & 15], words[directory >> 8 & 15],
				(unsigned)directory, words[mix(inside) & 15], words[mix(inside) >> 4 & 15],
				(unsigned)(inside % 16), endings[mix(inside) >> 8 & 7]);
}

const struct source mail = {mail_path, OPERATION_CREATE, true};
const struct source home = {home_path, OPERATION_OPEN, true};
const struct source container = {container_path, OPERATION_CREATE, false};
