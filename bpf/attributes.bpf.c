// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Attributes: mode, owner, times, size, extended attributes, access control lists, flags. */
#include "hook.h"

#define ATTRIBUTE_HOOK(name, operation)                                                                                \
	static __always_inline void name##_body(__u64 *arguments, enum hook hook, bool lsm)                            \
	{                                                                                                              \
		__u64 dentry = dentry_argument(arguments, hook, 0);                                                    \
		changed_inode(dentry, dentry_inode(dentry), about(operation, 0, 0), hook, lsm);                        \
	}                                                                                                              \
	HOOK_PROGRAMS(name, security_##name)

ATTRIBUTE_HOOK(inode_setattr, OPERATION_SETATTR)
ATTRIBUTE_HOOK(inode_setxattr, OPERATION_XATTR)
ATTRIBUTE_HOOK(inode_removexattr, OPERATION_XATTR)
ATTRIBUTE_HOOK(inode_set_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_remove_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_file_setattr, OPERATION_FILEATTR)
