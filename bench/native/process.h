/* SPDX-License-Identifier: GPL-2.0 */
/* What a process takes. Each measurement is one of its own, so that its peak memory is. */
#ifndef NATIVE_PROCESS_H
#define NATIVE_PROCESS_H

#include <jansson.h>

double seconds(void);
/* What this process has used: where others use the machine too, it says more than the time that has passed. */
double processor_seconds(void);
/* MiB. */
double peak_memory(void);
/* Ends the program where there is an error: 0 or -errno. */
void must(int code, const char *what);
/* What is put into the row there is in it here. */
void in_child(json_t *row, void (*measure)(json_t *row, const void *context), const void *context);

#endif
