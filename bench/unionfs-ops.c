/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops that bench/unionfs times: stat or open every file of a list with
 * several threads, walk a tree, read and write a file.  Prints seconds.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 128 * 1024, SMALL = 4096, RANDOM_OPS = 20000 };

static char **files;
static size_t n_files;
static int n_threads, rounds, do_open;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_list(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[4096];

	if (!f) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		files = realloc(files, (n_files + 1) * sizeof(*files));
		files[n_files++] = strdup(line);
	}
	fclose(f);
}

/* Each thread takes its own share of the list. */
static void *touch_share(void *arg)
{
	size_t first = (size_t)(long)arg;
	struct stat st;

	for (int round = 0; round < rounds; round++) {
		for (size_t i = first; i < n_files; i += (size_t)n_threads) {
			if (do_open) {
				int fd = open(files[i], O_RDONLY);

				if (fd >= 0)
					close(fd);
			} else if (lstat(files[i], &st) < 0) {
				perror(files[i]);
			}
		}
	}
	return NULL;
}

static void touch_all(void)
{
	pthread_t threads[64];

	for (long i = 0; i < n_threads; i++)
		pthread_create(&threads[i], NULL, touch_share, (void *)i);
	for (long i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
}

static void walk(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char sub[4096];

	while (dir && (d = readdir(dir))) {
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, d->d_name);
		if (lstat(sub, &st) == 0 && S_ISDIR(st.st_mode))
			walk(sub);
	}
	if (dir)
		closedir(dir);
}

static void data(const char *how, const char *path, long mib)
{
	static char block[BLOCK];
	int writing = strstr(how, "write") != NULL, is_random = how[0] == 'r';
	int fd = open(path, writing ? O_RDWR | O_CREAT : O_RDONLY, 0644);
	long total = mib << 20;
	unsigned seed = 1;

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	if (is_random) {
		for (int i = 0; i < RANDOM_OPS; i++) {
			off_t at = (off_t)(rand_r(&seed) % (total / SMALL)) * SMALL;

			if ((writing ? pwrite(fd, block, SMALL, at) : pread(fd, block, SMALL, at)) < 0)
				perror(how);
		}
	} else {
		for (long at = 0; at < total; at += BLOCK) {
			if ((writing ? write(fd, block, BLOCK) : read(fd, block, BLOCK)) < 0)
				perror(how);
		}
	}
	close(fd);
}

int main(int argc, char **argv)
{
	double start;

	if (argc < 3) {
		fprintf(stderr, "usage: %s stat|open THREADS ROUNDS LIST | walk DIR | "
				"seqread|randread|seqwrite|randwrite FILE MIB\n", argv[0]);
		return 2;
	}
	if (strcmp(argv[1], "stat") == 0 || strcmp(argv[1], "open") == 0) {
		do_open = argv[1][0] == 'o';
		n_threads = atoi(argv[2]);
		rounds = atoi(argv[3]);
		read_list(argv[4]);
		start = now();
		touch_all();
	} else if (strcmp(argv[1], "walk") == 0) {
		start = now();
		walk(argv[2]);
	} else {
		start = now();
		data(argv[1], argv[2], atol(argv[3]));
	}
	printf("%.6f\n", now() - start);
	return 0;
}
