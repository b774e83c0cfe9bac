/* A program that never touches CUDA. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *text = malloc(6);
    strcpy(text, "fine");
    puts(text);
    free(text);
    return 0;
}
