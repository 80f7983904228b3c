/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's terminal: raw mode that is always undone, its size, and signals
 * turned into readable bytes.
 */
#ifndef CLI_TERMINAL_TERMINAL_H
#define CLI_TERMINAL_TERMINAL_H

/* Switches fd to raw mode, if it is a terminal; undone by terminal_restore() and at exit. */
int terminal_raw(int fd);
void terminal_restore(void);
/* 0 and the size of the terminal behind fd, or -1. */
int terminal_size(int fd, int *rows, int *columns);
/* Is it one? */
int terminal_is(int fd);

/* From now on each of these signals (0 ends the list) is one byte, its number, in the
 * descriptor returned.  Handlers end with exec, so that children do not inherit them. */
int signals_open(const int *signals);
/* "TERM" for SIGTERM. */
const char *signals_name(int number);

#endif
