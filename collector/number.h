/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers in few bytes where they are small: seven bits a byte, the lower ones first. */
#ifndef FSCHANGED_NUMBER_H
#define FSCHANGED_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_MOST = 10 }; /* bytes */

/* Returns where it ends. */
static inline unsigned char *number_put(unsigned char *to, uint64_t number)
{
	for (; number > 0x7f; number >>= 7)
		*to++ = (unsigned char)(number | 0x80);
	*to++ = (unsigned char)number;
	return to;
}

/* False: the bytes end before. */
static inline bool number_get(const unsigned char **from, const unsigned char *end, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; *from < end && shift < 64; shift += 7) {
		unsigned char byte = *(*from)++;

		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Small where the number is near 0, on either side. */
static inline uint64_t number_fold(int64_t number)
{
	return number < 0 ? ~((uint64_t)number << 1) : (uint64_t)number << 1;
}

static inline int64_t number_unfold(uint64_t number)
{
	return (int64_t)(number >> 1 ^ -(number & 1));
}

#endif
