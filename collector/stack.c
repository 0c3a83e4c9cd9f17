// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sort.h"
#include "stack.h"

/* Its records are a path and then the path's length. */
struct stack {
	int descriptor;
	off_t size;
	struct bytes record;
};

int bytes_need(struct bytes *bytes, size_t size)
{
	char *at;

	if (size <= bytes->size)
		return 0;
	at = realloc(bytes->at, 2 * size);
	if (!at)
		return -ENOMEM;
	bytes->at = at;
	bytes->size = 2 * size;
	return 0;
}

int stack_new(struct stack **result)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	int descriptor;

	if (!stack)
		return -ENOMEM;
	descriptor = temporary_file(NULL);
	if (descriptor < 0) {
		free(stack);
		return descriptor;
	}
	stack->descriptor = descriptor;
	*result = stack;
	return 0;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	close(stack->descriptor);
	free(stack->record.at);
	free(stack);
}

void stack_clear(struct stack *stack)
{
	stack->size = 0;
}

bool stack_is_empty(const struct stack *stack)
{
	return stack->size == 0;
}

size_t stack_size(const struct stack *stack)
{
	return (size_t)stack->size;
}

static int transfer(int fd, bool out, void *bytes, size_t count, off_t offset)
{
	char *at = bytes;

	while (count) {
		ssize_t done = out ? pwrite(fd, at, count, offset) : pread(fd, at, count, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		at += done;
		offset += done;
		count -= (size_t)done;
	}
	return 0;
}

int stack_push(struct stack *stack, const char *path, size_t length)
{
	int error = bytes_need(&stack->record, length + sizeof(length));

	if (error)
		return error;
	memcpy(stack->record.at, path, length);
	memcpy(stack->record.at + length, &length, sizeof(length));
	error = transfer(stack->descriptor, true, stack->record.at, length + sizeof(length), stack->size);
	if (!error)
		stack->size += (off_t)(length + sizeof(length));
	return error;
}

int stack_pop(struct stack *stack, struct bytes *path, size_t *length)
{
	int error;

	if (!stack->size)
		return 0;
	stack->size -= (off_t)sizeof(*length);
	error = transfer(stack->descriptor, false, length, sizeof(*length), stack->size);
	if (!error)
		error = bytes_need(path, *length + 1);
	if (error)
		return error;
	stack->size -= (off_t)*length;
	error = transfer(stack->descriptor, false, path->at, *length, stack->size);
	return error ? error : 1;
}

/* What is popped stays in the file until something is pushed. */
int stack_each(struct stack *stack, int (*each)(const char *path, size_t length, void *context), void *context)
{
	off_t size = stack->size;
	struct bytes path = {0};
	size_t length;
	int error = 0;

	while (!error && (error = stack_pop(stack, &path, &length)) > 0)
		error = each(path.at, length, context);
	free(path.at);
	stack->size = size;
	return error;
}

static int push(const char *path, size_t length, void *context)
{
	return path ? stack_push(context, path, length) : -EINVAL;
}

int stack_move(struct stack *from, struct stack *to)
{
	int error = stack_each(from, push, to);

	stack_clear(from);
	return error;
}
