// letterbox: cuts windows out of pictures, resizes them bilinearly, places them in a network's
// input and normalises them: one launch for a whole batch, one thread per pixel of the input.
//
// The resizing is OpenCV's INTER_LINEAR: source = (target + 0.5) * scale - 0.5, kept inside the
// window. NV12 is turned into BGR as OpenCV does it (ITU-R BT.601, limited range, a chroma sample
// for each 2x2 pixels) before it is interpolated.

#include <cuda_fp16.h>

enum Form { BGR = 3, BGRX = 4, NV12 = 1 };
enum Kind { FLOAT32 = 0, FLOAT16 = 1, UINT8 = 2 };

struct Row {                       // 56 bytes; device/placer.py packs it
    unsigned long long picture;    // device address of the whole picture
    int pitch;                     // bytes from one line to the next
    int form;
    int high;                      // lines of the picture, to find NV12's second plane
    int x, y, wide, tall;          // the window in pixels
    int fit_wide, fit_high;        // what it is resized to
    int left, top;                 // where that lies in the input; may be outside
    int unused;
};

struct Rows { Row row[32]; };

struct Look {                      // 48 bytes; device/placer.py packs it
    int wide, high;                // of the input
    int kind;
    int nhwc;
    int swap;                      // whether the input wants R first
    float scale[3], shift[3];      // value = pixel * scale - shift, in the input's channel order
    float pad;                     // grey level 0..255 outside the picture
};

struct Pixel { float b, g, r; };

__device__ __forceinline__ float clipped(int value) { return (float)min(max(value, 0), 255); }

__device__ __forceinline__ Pixel load(const Row &row, int x, int y) {
    const unsigned char *base = (const unsigned char *)row.picture;
    x += row.x;
    y += row.y;
    if (row.form == NV12) {
        const unsigned char *chroma = base + (size_t)(row.high + y / 2) * row.pitch + (x & ~1);
        // opencv/modules/imgproc/src/color_yuv.simd.hpp, 20 fractional bits
        int luma = max(0, base[(size_t)y * row.pitch + x] - 16) * 1220542;
        int u = chroma[0] - 128, v = chroma[1] - 128, half = 1 << 19;
        return {clipped((luma + 2116026 * u + half) >> 20),
                clipped((luma - 409993 * u - 852492 * v + half) >> 20),
                clipped((luma + 1673527 * v + half) >> 20)};
    }
    const unsigned char *at = base + (size_t)y * row.pitch + x * row.form;
    return {(float)at[0], (float)at[1], (float)at[2]};
}

__device__ __forceinline__ float between(float a, float b, float c, float d, float fx, float fy) {
    float above = a + (b - a) * fx, below = c + (d - c) * fx;
    return above + (below - above) * fy;
}

__device__ __forceinline__ void store(void *out, size_t at, int kind, float value) {
    if (kind == FLOAT32)
        ((float *)out)[at] = value;
    else if (kind == FLOAT16)
        ((__half *)out)[at] = __float2half(value);
    else
        ((unsigned char *)out)[at] = (unsigned char)fminf(fmaxf(rintf(value), 0.f), 255.f);
}

extern "C" __global__ void letterbox(const Rows rows, const Look look, void *out) {
    int place = blockIdx.x * blockDim.x + threadIdx.x;
    int area = look.wide * look.high;
    if (place >= area)
        return;
    const Row &row = rows.row[blockIdx.y];
    int x = place % look.wide - row.left, y = place / look.wide - row.top;
    Pixel pixel = {look.pad, look.pad, look.pad};
    if (x >= 0 && y >= 0 && x < row.fit_wide && y < row.fit_high) {
        float sx = (x + .5f) * ((float)row.wide / row.fit_wide) - .5f;
        float sy = (y + .5f) * ((float)row.tall / row.fit_high) - .5f;
        sx = fminf(fmaxf(sx, 0.f), row.wide - 1.f);
        sy = fminf(fmaxf(sy, 0.f), row.tall - 1.f);
        int x0 = (int)sx, y0 = (int)sy;
        int x1 = min(x0 + 1, row.wide - 1), y1 = min(y0 + 1, row.tall - 1);
        float fx = sx - x0, fy = sy - y0;
        Pixel a = load(row, x0, y0), b = load(row, x1, y0);
        Pixel c = load(row, x0, y1), d = load(row, x1, y1);
        pixel.b = between(a.b, b.b, c.b, d.b, fx, fy);
        pixel.g = between(a.g, b.g, c.g, d.g, fx, fy);
        pixel.r = between(a.r, b.r, c.r, d.r, fx, fy);
    }
    float value[3] = {look.swap ? pixel.r : pixel.b, pixel.g, look.swap ? pixel.b : pixel.r};
    size_t first = (size_t)blockIdx.y * 3 * area + (look.nhwc ? 3 * (size_t)place : place);
    for (int channel = 0; channel < 3; ++channel)
        store(out, first + (size_t)channel * (look.nhwc ? 1 : area), look.kind,
              value[channel] * look.scale[channel] - look.shift[channel]);
}
