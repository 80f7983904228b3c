/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages and shell completions, made from the command tables at build
 * time so that they never tell of anything else.
 */
#ifndef CLI_MAN_H
#define CLI_MAN_H

/* Prints "man:run", "man:" (the program), "list" (names of all pages), "bash", "zsh" or
 * "fish"; returns an exit status. */
int generate_print(const char *what);

#endif
