/* What a caller says, through a comb: a voice from a pipe. Built with
 *     cc -O2 -shared -fPIC -o native.so native.c
 */
#include <stddef.h>
#include <stdint.h>

#define DELAY 160

struct pipe {
    int16_t past[DELAY];
    size_t place;
};

void pipe_through(struct pipe *pipe, const int16_t *in, int16_t *out, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        int32_t sample = in[n] / 2 + pipe->past[pipe->place] / 2;
        pipe->past[pipe->place] = in[n];
        pipe->place = (pipe->place + 1) % DELAY;
        out[n] = (int16_t)sample;
    }
}
