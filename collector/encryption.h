/* SPDX-License-Identifier: GPL-2.0 */
/* Directories whose names are encrypted (fscrypt): without the key a name that is there cannot be found. */
#ifndef FSCHANGED_ENCRYPTION_H
#define FSCHANGED_ENCRYPTION_H

#include <stdbool.h>

/* The directory lies on a filesystem that can encrypt. Any descriptor will do. */
bool encryption_is_possible(int directory);

/* Names in the directory are encrypted and the key is absent, or it cannot be told whether it is. */
bool encryption_is_locked(int directory);

#endif
