/* Work for the device, and what came of it. */
#ifndef MEMBER_WORK_H
#define MEMBER_WORK_H
#include "driver.h"

void load_kernels(const char *ptx);
/* For so many nanoseconds, and not waited for. */
void launch_spin(uint64_t nanoseconds);
/* Whether the command was one about work, and is done and answered. */
int obeys_about_work(const char *command);
#endif
