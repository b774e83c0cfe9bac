/* code ROW [fault|keep]: code and its variables, in modules and libraries. */
#define _GNU_SOURCE
#include "fill.h"
#include <sys/mman.h>
#include <unistd.h>

static handle held[MOST], parts[MOST];

#define PTX(global) ".version 7.0\n.target sm_50\n.address_size 64\n" global ".visible .entry k()\n{\n ret;\n}\n"
static const char code_only[] = PTX(""), text[] = PTX(".visible .global .align 8 .b8 big[4194304];\n"),
    managed_text[] = PTX(".visible .global .attribute(.managed) .align 8 .b8 big[4194304];\n");
static char path[64];

enum { DATA, FAT, EX, PATH, LINKED, LINKED_FILE } how;

static int take_module(int piece)
{
    handle linker = 0;
    void *image = NULL;
    size_t bytes = 0;
    held[piece] = 0;
    switch (how) {
    case DATA: return ASK(cuModuleLoadData, &held[piece], text);
    case FAT: return ASK(cuModuleLoadFatBinary, &held[piece], text);
    case EX: return ASK(cuModuleLoadDataEx, &held[piece], text, 0, NULL, NULL);
    case PATH: return ASK(cuModuleLoad, &held[piece], path);
    default:
        OK(cuLinkCreate_v2, 0, NULL, NULL, &linker);
        if (how == LINKED)
            OK(cuLinkAddData_v2, linker, 1, (void *)text, sizeof text, "big", 0, NULL, NULL);
        else
            OK(cuLinkAddFile_v2, linker, 1, path, 0, NULL, NULL);
        OK(cuLinkComplete, linker, &image, &bytes);
        int code = ASK(cuModuleLoadData, &held[piece], image);
        OK(cuLinkDestroy, linker);
        return code;
    }
}

/* A variable of a module is not the program's to free. */
static int give_module(int piece)
{
    dptr at = 0;
    size_t bytes = 0, with = used();
    OK(cuModuleGetGlobal_v2, &at, &bytes, held[piece], "big");
    if (!ASK(cuMemFree_v2, at))
        FAIL("a module's variable could be freed");
    expect_used(with, "a module's variable was freed");
    return ASK(cuModuleUnload, held[piece]);
}

/* The code of them all fits into the block that a first module, without globals, has taken. */
static void begin(void)
{
    handle first = 0;
    in_primary();
    OK(cuModuleLoadData, &first, code_only);
    int file = memfd_create("code", 0);
    if (file < 0 || write(file, text, sizeof text) != sizeof text)
        FAIL("no file for the code");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

/* The simulated driver takes a linked image's variables as code too. */
static void modules(void)
{
    begin();
    fill_and_refill(&(struct way){how >= LINKED ? 8 * MIB : 4 * MIB, take_module, give_module});
}

static void fat(void) { how = FAT, modules(); }
static void ex(void) { how = EX, modules(); }
static void file(void) { how = PATH, modules(); }
static void linked(void) { how = LINKED, modules(); }
static void linked_file(void) { how = LINKED_FILE, modules(); }

enum { MODULE, KERNEL, GLOBAL, MANAGED } by;

/* A library takes nothing until a context uses it; then that call is refused. */
static int take_library(int piece)
{
    handle kernel = 0;
    dptr at = 0;
    size_t before = used(), bytes = 0;
    int code = 0;
    if (how == PATH)
        OK(cuLibraryLoadFromFile, &held[piece], path, NULL, NULL, 0, NULL, NULL, 0);
    else
        OK(cuLibraryLoadData, &held[piece], by == MANAGED ? managed_text : text, NULL, NULL, 0, NULL, NULL, 0);
    expect_used(before, "a library in no context");
    switch (by) {
    case MODULE: code = ASK(cuLibraryGetModule, &parts[piece], held[piece]); break;
    case GLOBAL: code = ASK(cuLibraryGetGlobal, &at, &bytes, held[piece], "big"); break;
    case MANAGED: code = ASK(cuLibraryGetManaged, &at, &bytes, held[piece], "big"); break;
    case KERNEL:
        OK(cuLibraryGetKernel, &kernel, held[piece], "k");
        code = ASK(cuKernelGetFunction, &parts[piece], kernel);
    }
    if (code)
        OK(cuLibraryUnload, held[piece]);
    return code;
}

static int give_library(int piece) { return ASK(cuLibraryUnload, held[piece]); }
static void library(void) { begin(), fill_and_refill(&(struct way){4 * MIB, take_library, give_library}); }
static void library_file(void) { how = PATH, library(); }
static void library_kernel(void) { by = KERNEL, library(); }
static void library_global(void) { by = GLOBAL, library(); }
static void library_managed(void) { by = MANAGED, library(); }

ROWS({"module", modules}, {"module-fat", fat}, {"module-ex", ex}, {"module-file", file}, {"module-linked", linked},
     {"module-linked-file", linked_file}, {"library", library}, {"library-file", library_file},
     {"library-kernel", library_kernel}, {"library-global", library_global}, {"library-managed", library_managed})
