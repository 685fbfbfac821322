// pick: the candidates of a dense head: finds each row's best class, then brings back the boxes of
// those that will do, the best ones where there are too many. vision/pick.py says what a plan is,
// and is what this is held to.

#include <cuda_fp16.h>

enum Kind { FLOAT32 = 0, FLOAT16 = 1 };
enum Activation { NONE = 0, SIGMOID = 1, SOFTMAX = 2 };

struct View {                      // device/picker.py packs it
    unsigned long long data;       // the output's device address
    long long batch;               // elements of one picture
    int kind;
    int first, down, across;       // element (row, column) = first + row * down + column * across
    int width;                     // columns; 0: no such view
    int unused;
};

struct Level {
    int rows, classes, rest, fan;
    View scores, objectness;
    View box[4];
};

__device__ __forceinline__ float element(const View &view, int picture, int row, int column) {
    size_t at = (size_t)picture * view.batch + view.first + (size_t)row * view.down
                + (size_t)column * view.across;
    return view.kind == FLOAT16 ? __half2float(((const __half *)view.data)[at])
                                : ((const float *)view.data)[at];
}

__device__ __forceinline__ const Level *level_of(const Level *level, int &row) {
    while (row >= level->rows) {
        row -= level->rows;
        ++level;
    }
    return level;
}

// score[picture][row] (-1: not to be taken) and chosen[picture][row], the best class.
extern "C" __global__ void best(const Level *levels, int total, int activation, float least,
                                float *score, int *chosen) {
    int row = blockIdx.x * blockDim.x + threadIdx.x, picture = blockIdx.y;
    if (row >= total)
        return;
    size_t at = (size_t)picture * total + row;
    const Level &level = *level_of(levels, row);
    float factor = 1.f, found = -1.f;
    int which = 0;
    if (level.objectness.width)
        factor = element(level.objectness, picture, row, 0);
    if (factor >= least) {         // a class score is 1 at most; NaN is not
        float top = element(level.scores, picture, row, 0);
        bool number = top == top;
        for (int column = 1; column < level.classes; ++column) {
            float value = element(level.scores, picture, row, column);
            number &= value == value;
            if (value > top) {
                top = value;
                which = column;
            }
        }
        if (activation == SIGMOID) {
            top = 1.f / (1.f + expf(-top));
        } else if (activation == SOFTMAX) {
            float most = top, sum = 0.f;
            int columns = level.classes + level.rest;
            for (int column = level.classes; column < columns; ++column)
                most = fmaxf(most, element(level.scores, picture, row, column));
            for (int column = 0; column < columns; ++column)
                sum += expf(element(level.scores, picture, row, column) - most);
            top = expf(top - most) / sum;
            number &= sum == sum;
        }
        top *= factor;
        if (number && top >= least && top <= 3.4e38f)
            found = top;
    }
    score[at] = found;
    chosen[at] = which + row % level.fan;
}

// One block of 1024 threads per picture, which on Nano and TX2 leaves 32 registers a thread. out: for each picture a header of 4 ints, the first of
// them the number of candidates, then ``most`` records: index, class, score, box.
extern "C" __global__ void __launch_bounds__(1024) gather(const Level *levels, int total, float least, int most, int width,
                                  const float *score, const int *chosen, int *out) {
    __shared__ int bins[256];
    __shared__ int warps[32];
    __shared__ unsigned shared_prefix;
    __shared__ int shared_left;
    const unsigned full = 0xffffffffu;
    int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5, picture = blockIdx.x;
    const float *mine = score + (size_t)picture * total;
    const int *classes = chosen + (size_t)picture * total;
    int record = 3 + width;
    int *header = out + (size_t)picture * (4 + (size_t)most * record);

    int many = 0;
    for (int row = thread; row < total; row += 1024)
        many += mine[row] >= least;
    if (thread == 0)
        shared_left = 0;
    __syncthreads();
    for (int step = 16; step; step >>= 1)
        many += __shfl_down_sync(full, many, step);
    if (lane == 0)
        atomicAdd(&shared_left, many);
    __syncthreads();
    many = shared_left;
    __syncthreads();

    // The most-th largest score, byte by byte: bits of positive floats are in the floats' order.
    unsigned limit = __float_as_uint(least);
    int ties = total;              // how many of those equal to the limit are taken, in order
    if (many > most) {
        unsigned prefix = 0, mask = 0;
        int left = most;
        for (int shift = 24; shift >= 0; shift -= 8) {
            if (thread < 256)
                bins[thread] = 0;
            __syncthreads();
            for (int row = thread; row < total; row += 1024) {
                unsigned bits = __float_as_uint(mine[row]);
                if (mine[row] >= least && (bits & mask) == prefix)
                    atomicAdd(&bins[(bits >> shift) & 255], 1);
            }
            __syncthreads();
            if (thread == 0) {
                int bin = 255, rest = left;
                while (bins[bin] < rest)
                    rest -= bins[bin--];
                shared_prefix = prefix | (unsigned)bin << shift;
                shared_left = rest;
            }
            __syncthreads();
            prefix = shared_prefix;
            left = shared_left;
            mask |= 255u << shift;
            __syncthreads();
        }
        limit = prefix;
        ties = left;
    }

    int taken = 0, tied = 0;       // before this chunk, the same in every thread
    for (int start = 0; start < total; start += 1024) {
        int row = start + thread;
        float value = row < total ? mine[row] : -1.f;
        bool sure = value >= least;
        unsigned bits = __float_as_uint(value);
        if (many > most) {         // in order, as many ties as there is room for
            bool tie = sure && bits == limit;
            unsigned votes = __ballot_sync(full, tie);
            if (lane == 0)
                warps[warp] = __popc(votes);
            __syncthreads();
            int before = tied + __popc(votes & ((1u << lane) - 1)), all = 0;
            for (int other = 0; other < 32; ++other) {
                before += other < warp ? warps[other] : 0;
                all += warps[other];
            }
            sure = sure && (bits > limit || (tie && before < ties));
            tied += all;
            __syncthreads();
        }
        unsigned votes = __ballot_sync(full, sure);
        if (lane == 0)
            warps[warp] = __popc(votes);
        __syncthreads();
        int place = taken + __popc(votes & ((1u << lane) - 1)), all = 0;
        for (int other = 0; other < 32; ++other) {
            place += other < warp ? warps[other] : 0;
            all += warps[other];
        }
        if (sure) {
            int *to = header + 4 + (size_t)place * record;
            to[0] = row;
            to[1] = classes[row];
            to[2] = __float_as_int(value);
        }
        taken += all;
        __syncthreads();
    }
    if (thread == 0) {
        header[0] = taken;
        header[1] = many;
    }
    __threadfence_block();
    __syncthreads();
    for (int item = thread; item < taken * width; item += 1024) {
        int *to = header + 4 + (size_t)(item / width) * record;
        int column = item % width, inside = to[0];
        const Level &level = *level_of(levels, inside);
        inside /= level.fan;
        int part = 0;
        while (column >= level.box[part].width)
            column -= level.box[part++].width;
        to[3 + item % width] = __float_as_int(element(level.box[part], picture, inside, column));
    }
}
