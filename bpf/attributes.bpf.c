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

static __always_inline bool is_kernel_thread(void)
{
	return READ(struct task_struct, bpf_get_current_task(), flags) & PF_KTHREAD;
}

/*
 * File servers in the kernel set ACLs by this function, past the hooks (fs/nfsd/nfs2acl.c, nfs3acl.c, vfs.c;
 * fs/smb/server/vfs.c). Whatever else comes here was seen before, by inode_set_acl or inode_setxattr. It is left alone
 * at once, because a task preempted in this program would keep it from running for others (the recursion guard of
 * fentry programs, __bpf_prog_enter_recur(), kernel/bpf/trampoline.c). Until 6.1 the function takes the inode, from 6.2
 * on the dentry (138060ba92b3 "fs: pass dentry to set acl method").
 */
static __always_inline void set_posix_acl_body(__u64 *arguments, enum hook hook, bool lsm)
{
	bool by_inode = settings.by_inode[hook];
	__u64 subject;

	if (!is_kernel_thread())
		return;
	subject = dentry_argument(arguments, hook, 0);
	changed_inode(by_inode ? 0 : subject, by_inode ? subject : dentry_inode(subject), about(OPERATION_ACL, 0, 0),
		      hook, lsm);
}
FUNCTION_PROGRAMS(set_posix_acl)
