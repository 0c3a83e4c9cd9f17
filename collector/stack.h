/* SPDX-License-Identifier: GPL-2.0 */
/* A stack of paths in an unlinked file: it may become large. Functions return 0 or -errno. */
#ifndef FSCHANGED_STACK_H
#define FSCHANGED_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct stack;

/* Bytes that grow. */
struct bytes {
	char *at;
	size_t size;
};

int bytes_need(struct bytes *bytes, size_t size);

int stack_new(struct stack **stack);
void stack_free(struct stack *stack);
void stack_clear(struct stack *stack);
int stack_push(struct stack *stack, const char *path, size_t length);
/* 1: there was one; 0: there is none; -errno. */
int stack_pop(struct stack *stack, struct bytes *path, size_t *length);
bool stack_is_empty(const struct stack *stack);
/* Bytes that its paths take. */
size_t stack_size(const struct stack *stack);
/* Each path, the last one first, until a result other than 0. */
int stack_each(struct stack *stack, int (*each)(const char *path, size_t length, void *context), void *context);
/* Moves all to another one. */
int stack_move(struct stack *from, struct stack *to);

#endif
