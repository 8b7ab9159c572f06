/*
 * cfg_files.h - a configuration file and those it includes, as one YAML tree.
 *
 * `include:` holds glob patterns, relative to the file they are in.  Maps are merged,
 * lists appended; one value given twice is an error that names both places.
 */
#ifndef CONF_CFG_FILES_H
#define CONF_CFG_FILES_H

#include <stddef.h>

#include "conf/cfg_errors.h"
#include "conf/yaml.h"

#define CFG_FILE_MAX  (4 << 20) /* bytes */
#define CFG_FILES_MAX 1000

/* The files read so far.  Trees and places borrow their names. */
struct cfg_files {
    char **names; /* as they are shown in errors */
    char **real;  /* without links, to notice a file that comes twice; NULL: not a file */
    size_t n;
};

void cfg_files_init(struct cfg_files *f);
void cfg_files_fini(struct cfg_files *f);

/* NULL: nothing could be read, and errs says why.  Free with yaml_free(). */
struct yaml_node *cfg_files_read(struct cfg_files *f, const char *file,
                                 struct cfg_errors *errs);

/* The same for a text that is in no file and may not include any. */
struct yaml_node *cfg_files_parse(struct cfg_files *f, const char *name, const char *text,
                                  size_t len, struct cfg_errors *errs);

#endif
