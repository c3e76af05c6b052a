/*
 * GSM full rate (ETSI GSM 06.10, RFC 3551 section 4.5.8.1) by libgsm, for SEMS.
 *
 * 160 samples are 33 bytes, and a packet of 40 ms is two such frames in a row.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <gsm/gsm.h>

#include "sems_codec.h"

enum { FRAME_SAMPLES = 160, FRAME_BYTES = 33 };

static size_t samples(const uint8_t *payload, size_t length)
{
    (void)payload;
    return length % FRAME_BYTES ? 0 : length / FRAME_BYTES * FRAME_SAMPLES;
}

static void *new_state(void)
{
    return gsm_create();
}

static void free_state(void *state)
{
    gsm_destroy(state);
}

static size_t encode(void *encoder, const int16_t *samples, size_t count, uint8_t *payload, size_t room)
{
    size_t bytes = 0;
    for (; count >= FRAME_SAMPLES && room - bytes >= FRAME_BYTES; count -= FRAME_SAMPLES) {
        gsm_encode(encoder, (gsm_signal *)samples, payload + bytes);
        samples += FRAME_SAMPLES;
        bytes += FRAME_BYTES;
    }
    return bytes;
}

static size_t decode(void *decoder, const uint8_t *payload, size_t length, int16_t *samples, size_t room)
{
    size_t count = 0;
    for (; length >= FRAME_BYTES && room - count >= FRAME_SAMPLES; length -= FRAME_BYTES) {
        if (gsm_decode(decoder, (gsm_byte *)payload, samples + count) < 0)
            return 0;
        payload += FRAME_BYTES;
        count += FRAME_SAMPLES;
    }
    return count;
}

static const sems_codec gsm_codec = {
    .version = SEMS_CODEC_VERSION,
    .name = "GSM",
    .payload_type = 3,
    .clock_rate = 8000,
    .sample_rate = 8000,
    .channels = 1,
    .longest_frame = FRAME_BYTES,
    .equipment_impairment = 20,
    .loss_robustness = 4.3f,
    .samples = samples,
    .encoder_new = new_state,
    .encode = encode,
    .encoder_free = free_state,
    .decoder_new = new_state,
    .decode = decode,
    .decoder_free = free_state,
};

static int exec_module(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)&gsm_codec, SEMS_CODEC_CAPSULE, NULL);
    if (!capsule)
        return -1;
    int failed = PyModule_AddObjectRef(module, "codec", capsule);
    Py_DECREF(capsule);
    return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "sems_gsm",
    .m_doc = "GSM 06.10 for SEMS.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_sems_gsm(void)
{
    return PyModuleDef_Init(&definition);
}
