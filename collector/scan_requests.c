// SPDX-License-Identifier: GPL-2.0
/* What a scan asks the collector, and tells it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "scan_private.h"

int scan_ask(struct scan *scan, json_t *request, json_t **answer)
{
	int code;

	json_object_set_new(request, "request", json_string("walk"));
	code = client_request(scan->client, request, CLIENT_TIMEOUT, answer, scan->error);
	if (code) {
		json_decref(*answer);
		*answer = NULL;
	}
	return code;
}

int scan_tell(struct scan *scan, json_t *request)
{
	json_t *answer;
	int code = scan_ask(scan, request, &answer);

	json_decref(answer);
	return code;
}

int scan_send(struct scan *scan, const char *step, struct parcel *parcel)
{
	char *encoded;
	int code;

	if (!parcel->used)
		return 0;
	encoded = base64_encode(parcel->bytes, parcel->used);
	if (!encoded)
		return -ENOMEM;
	parcel->used = 0;
	code = scan_tell(scan, json_pack("{s:s, s:s}", "step", step, step, encoded));
	free(encoded);
	return code;
}

int scan_add(struct scan *scan, const char *step, struct parcel *parcel, const void *header, size_t header_size,
	     const char *path, size_t length)
{
	int code = 0;

	if (sizeof(parcel->bytes) - parcel->used < header_size + length)
		code = scan_send(scan, step, parcel);
	if (code)
		return code;
	memcpy(parcel->bytes + parcel->used, header, header_size);
	memcpy(parcel->bytes + parcel->used + header_size, path, length);
	parcel->used += header_size + length;
	return 0;
}

int scan_send_found(struct scan *scan)
{
	int code = scan_send(scan, "names", &scan->names);

	return code ? code : scan_send(scan, "changed", &scan->changed);
}
