// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the collector without a kernel: a generated stream of records goes through the code that takes them from the
 * ring, into a store, and out of it into a list. The time that the generator takes is measured by itself and taken off.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "process.h"

static void measure(json_t *row, const void *context)
{
	const struct measurement *measurement = context;

	measurement->measure(row, measurement->source);
}

static void print(const char *name, json_t *row)
{
	const char *key;
	json_t *value;

	printf("%-20s", name);
	json_object_foreach(row, key, value)
		printf("  %s %.*f", key, json_number_value(value) < 1000 ? 3 : 0, json_number_value(value));
	putchar('\n');
}

static int write_json(json_t *all, const char *json)
{
	FILE *file = fopen(json, "w");
	int code;

	if (!file) {
		perror(json);
		return 1;
	}
	code = json_dumpf(all, file, JSON_INDENT(2));
	if (fclose(file) || code) {
		fprintf(stderr, "bench-native: %s cannot be written\n", json);
		return 1;
	}
	return 0;
}

static int usage(FILE *to)
{
	fputs("usage: bench-native [--paths N] [--windows N] [--only NAME] [--directory DIR] [--json FILE]\n"
	      "--only: measurements whose names begin with NAME\n",
	      to);
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"paths", required_argument, NULL, 'p'},
		{"windows", required_argument, NULL, 'w'},
		{"only", required_argument, NULL, 'o'},
		{"directory", required_argument, NULL, 'd'},
		{"json", required_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *only = "", *json = "build/bench/native.json";
	json_t *all = json_object();
	int option, code;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			options.paths = strtoull(optarg, NULL, 10);
			break;
		case 'w':
			options.windows = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			only = optarg;
			break;
		case 'd':
			options.directory = optarg;
			break;
		case 'j':
			json = optarg;
			break;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	if (!options.windows || options.paths < options.windows)
		return usage(stderr);
	json_object_set_new(all, "paths", json_integer((json_int_t)options.paths));
	for (const struct measurement *one = measurements; one->name; one++) {
		json_t *row;

		if (strncmp(one->name, only, strlen(only)) != 0)
			continue;
		row = json_object();
		in_child(row, measure, one);
		print(one->name, row);
		json_object_set_new(all, one->name, row);
	}
	code = write_json(all, json);
	json_decref(all);
	return code;
}
