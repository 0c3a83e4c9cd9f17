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
ATTRIBUTE_HOOK(inode_setsecctx, OPERATION_XATTR)
ATTRIBUTE_HOOK(inode_set_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_remove_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_file_setattr, OPERATION_FILEATTR)

/*
 * The NFS server sets ACLs by this function, past the hooks (fs/nfsd/nfs2acl.c, nfs3acl.c, vfs.c). Until 6.1 it takes
 * the inode, from 6.2 on the dentry (138060ba92b3 "fs: pass dentry to set acl method").
 */
static __always_inline void set_posix_acl_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 subject = dentry_argument(arguments, hook, 0);
	bool by_inode = settings.by_inode[hook];

	changed_inode(by_inode ? 0 : subject, by_inode ? subject : dentry_inode(subject), about(OPERATION_ACL, 0, 0),
		      hook, lsm);
}
FUNCTION_PROGRAMS(set_posix_acl)
