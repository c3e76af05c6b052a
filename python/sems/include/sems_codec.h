/*
 * A codec for SEMS.
 *
 * A Python package brings one as a PyCapsule named SEMS_CODEC_CAPSULE that points to a sems_codec, under
 * an entry point of the group "sems.audio" that is called as the codec:
 *
 *     [project.entry-points."sems.audio"]
 *     GSM = "sems_gsm:codec"
 *
 * The table, and what it points to, stay as they are until the process ends. Its functions are called by
 * the media threads, by several at once, but with one state by one at a time, and without Python's lock.
 * Between ..._new and ..._free they must neither allocate, lock, log nor wait: a frame is due every 20 ms.
 */
#ifndef SEMS_CODEC_H
#define SEMS_CODEC_H

#include <stddef.h>
#include <stdint.h>

#define SEMS_CODEC_CAPSULE "sems.codec.v1"
#define SEMS_CODEC_VERSION 1

typedef struct sems_codec {
    uint32_t version;           /* SEMS_CODEC_VERSION */
    const char *name;           /* encoding name as in a=rtpmap (RFC 8866 section 6.6), ASCII */
    int payload_type;           /* static RTP payload type (RFC 3551), or -1 */
    uint32_t clock_rate;        /* RTP timestamp units a second */
    uint32_t sample_rate;       /* of the linear audio, which is mono always: 8000, 16000 or 48000 */
    uint32_t channels;          /* as in a=rtpmap */
    uint32_t longest_frame;     /* bytes of the longest payload that 20 ms are encoded to, 1 to 1400 */
    float equipment_impairment; /* Ie of ITU-T G.113: 0 for G.711, 20 for GSM */
    float loss_robustness;      /* Bpl of ITU-T G.113: 4 without concealment, 25 for G.711 with it */
    const char *parameters;     /* what we say in a=fmtp, ASCII, or NULL */

    /* Samples that a payload decodes to; 0 for one that can't be decoded. */
    size_t (*samples)(const uint8_t *payload, size_t length);

    /* A fresh encoder; NULL: there is no memory for it. */
    void *(*encoder_new)(void);
    /* Encodes 20 ms into at most room bytes; returns the bytes written, 0: there is nothing to send. In a
     * longer packet such frames follow each other. */
    size_t (*encode)(void *encoder, const int16_t *samples, size_t count, uint8_t *payload, size_t room);
    /* Goes on as if all that from has encoded had been encoded by to. NULL: a listener may then hear that
     * he has got an encoder of his own, as when he sets somebody's volume. */
    void (*encoder_copy)(void *to, const void *from);
    void (*encoder_free)(void *encoder);

    /* A fresh decoder; NULL: there is no memory for it. */
    void *(*decoder_new)(void);
    /* Decodes into at most room samples; returns the samples written, 0 for what can't be decoded. */
    size_t (*decode)(void *decoder, const uint8_t *payload, size_t length, int16_t *samples, size_t room);
    /* A packet is lost: fills all of count samples with what may have been in it and returns 1, or returns
     * 0 and leaves it to SEMS. May be NULL. */
    int (*conceal)(void *decoder, int16_t *samples, size_t count);
    void (*decoder_free)(void *decoder);
} sems_codec;

#endif
