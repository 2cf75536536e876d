// The operations on bit patterns, for CUDA, HIP and, as a proof on a CPU, plain C++.
//
// - One body per operation, `shrunk`; the loops around it are at the end.
// - Whether an element is zeroed or kept is decided by magnitude bits. `limit` is the magnitude
//   of the rounded threshold, -1 for an empty band.
// - The arithmetic is the specification's, in its order; compile it without contraction.
// - No header: NVRTC finds none on its own.

#if defined(__CUDACC__) || defined(__HIPCC__) || defined(__CUDACC_RTC__) || defined(__HIPCC_RTC__)
#define SHRINKOPS __device__ __forceinline__
#define SHRINKOPS_GPU 1
#else
#include <math.h>
#define SHRINKOPS inline
#define SHRINKOPS_GPU 0
#endif

namespace shrinkops {

template <class To, class From> SHRINKOPS To pun(From value) {
    union { From from; To to; } u;
    u.from = value;
    return u.to;
}

// ---- Formats: the pattern's integer, the working format, and the ways between them

struct Float16 {
    typedef short bits;
    typedef float work;
    static const bits mask = 0x7fff, most = 0x7bff, top = 0x7c00;
    static SHRINKOPS work widen(bits magnitude) {
        return pun<float>(int(magnitude) << 13) * pun<float>(0x77800000);  // times 2**112
    }
    static SHRINKOPS bits narrow(work number) {  // not negative; to nearest, ties to even
        int b = pun<int>(number);
        if (b >= 0x477ff000) return top;  // 65520, half a step above the largest number
        if (b < 0x38800000)               // subnormal: the sum's last bit is theirs
            return bits(pun<int>(number + 0.5f) - 0x3f000000);
        return bits((b - (112 << 23) + 0xfff + ((b >> 13) & 1)) >> 13);
    }
};

struct BFloat16 {
    typedef short bits;
    typedef float work;
    static const bits mask = 0x7fff, most = 0x7f7f, top = 0x7f80;
    static SHRINKOPS work widen(bits magnitude) { return pun<float>(int(magnitude) << 16); }
    static SHRINKOPS bits narrow(work number) {  // not negative; to nearest, ties to even
        int b = pun<int>(number);
        return bits((b + 0x7fff + ((b >> 16) & 1)) >> 16);
    }
};

struct Float32 {
    typedef int bits;
    typedef float work;
    static const bits mask = 0x7fffffff, most = 0x7f7fffff, top = 0x7f800000;
    static SHRINKOPS work widen(bits magnitude) { return pun<float>(magnitude); }
    static SHRINKOPS bits narrow(work number) { return pun<int>(number); }
};

struct Float64 {
    typedef long long bits;
    typedef double work;
    static const bits mask = 0x7fffffffffffffffLL, most = 0x7fefffffffffffffLL;
    static const bits top = 0x7ff0000000000000LL;
    static SHRINKOPS work widen(bits magnitude) { return pun<double>(magnitude); }
    static SHRINKOPS bits narrow(work number) { return pun<long long>(number); }
};

// ---- Operations: the magnitude that is left of one outside the band, negative where it turns

struct Hardshrink {
    static const bool exact = true, null = true, upper = false, turns = false;
    template <class F> struct second { typedef int type; };
};

struct Softshrink {
    static const bool exact = false, null = true, upper = false, turns = false;
    template <class F> struct second { typedef int type; };
    template <class F>
    static SHRINKOPS typename F::work left(typename F::work a, typename F::work t, int) {
        return a - t;
    }
};

struct Shrink {  // second: bias, in the working format
    static const bool exact = false, null = false, upper = false, turns = true;
    template <class F> struct second { typedef typename F::work type; };
    template <class F>
    static SHRINKOPS typename F::work left(typename F::work a, typename F::work,
                                           typename F::work bias) {
        return a - bias;
    }
};

struct Firmshrink {  // second: the magnitude bits of mu; an element from there on is kept
    static const bool exact = false, null = true, upper = true, turns = false;
    template <class F> struct second { typedef typename F::bits type; };
    template <class F>
    static SHRINKOPS typename F::work gain(typename F::work t, typename F::bits mu) {
        typename F::work u = F::widen(mu);
        return mu >= F::top ? typename F::work(1) : u / (u - t);
    }
    template <class F>
    static SHRINKOPS typename F::work left(typename F::work a, typename F::work t,
                                           typename F::bits mu) {
        typename F::work shrunk = (a - t) * gain<F>(t, mu);
        return shrunk < a ? shrunk : a;
    }
};

struct Garrote {
    static const bool exact = false, null = true, upper = false, turns = false;
    template <class F> struct second { typedef int type; };
    template <class F>
    static SHRINKOPS typename F::work left(typename F::work a, typename F::work t, int) {
        typename F::work ratio = t / a;
        typename F::work shrunk = (a - t) * (typename F::work(1) + ratio);
        return shrunk < a ? shrunk : a;
    }
};

// The parts of `shrunk` that only some operations have.
template <class F, class Op, bool exact = Op::exact> struct Outside {
    static SHRINKOPS typename F::bits of(typename F::bits x, typename F::bits magnitude,
                                         typename F::bits limit,
                                         typename Op::template second<F>::type second) {
        typedef typename F::bits bits;
        typename F::work left = Op::template left<F>(F::widen(magnitude), F::widen(limit), second);
        if (left != left) return bits(F::top + 1);  // a bias that is NaN
        bool turned = Op::turns && left < 0;
        bits result = F::narrow(turned ? -left : left);
        if (result == 0) return 0;
        bits sign = bits(x ^ magnitude);
        return bits(result | (turned ? bits(sign ^ bits(~F::mask)) : sign));
    }
    static SHRINKOPS bool kept(typename F::bits magnitude, typename F::bits limit,
                               typename Op::template second<F>::type second) {
        if (limit < (Op::null ? 1 : 0) || magnitude > F::most) return true;
        return Op::upper && magnitude >= (typename F::bits)second;
    }
};

template <class F, class Op> struct Outside<F, Op, true> {
    static SHRINKOPS typename F::bits of(typename F::bits x, typename F::bits,
                                         typename F::bits, int) { return x; }
    static SHRINKOPS bool kept(typename F::bits, typename F::bits, int) { return true; }
};

template <class F, class Op> struct Real {
    typedef typename F::bits element;
    typedef typename F::bits limit;
    typedef typename Op::template second<F>::type second;
    static SHRINKOPS element shrunk(element x, limit t, second other) {
        element magnitude = element(x & F::mask);
        if (magnitude <= t) return 0;
        if (Outside<F, Op>::kept(magnitude, t, other)) return x;
        return Outside<F, Op>::of(x, magnitude, t, other);
    }
};

// ---- Integers: exact, two-sided; `other` is 1 where the band is empty

template <class I, class U, bool soft> struct Integer {
    typedef I element;
    typedef U limit;
    typedef int second;
    static SHRINKOPS element shrunk(element x, limit t, second other) {
        if (other) return x;
        const bool negative = I(-1) < I(1) && (x >> (8 * sizeof(I) - 1)) != 0;
        U magnitude = negative ? U(U(0) - U(x)) : U(x);
        if (magnitude <= t) return 0;
        if (!soft) return x;
        U less = U(magnitude - t);
        return I(negative ? U(U(0) - less) : less);
    }
};

// ---- Complex numbers: the magnitude shrinks, the phase stays

template <class W> struct Pair { W re, im; };

template <class W> SHRINKOPS void add(W &sum, W &error, W term) {
    W next = sum + term, back = next - sum;
    error += (sum - (next - back)) + (term - back);
    sum = next;
}

template <class W> SHRINKOPS void add_product(W &sum, W &error, W a, W b) {
    W product = a * b;
    add(sum, error, product);
    error += fma(a, b, -product);
}

template <class F> SHRINKOPS typename F::work excess(typename F::work re, typename F::work im,
                                                     typename F::work t) {
    typename F::work sum = 0, error = 0;  // re**2 + im**2 - t**2, in twice the precision
    add_product(sum, error, re, re);
    add_product(sum, error, im, im);
    add_product(sum, error, -t, t);
    return sum + error;
}

template <class F> SHRINKOPS typename F::work scaled(typename F::bits limit, int exponent) {
    typename F::work t = ldexp(F::widen(limit), -exponent);
    return t < 8 ? t : typename F::work(8);  // nothing scaled is that large
}

template <class F, class Op> struct Ratio;  // f(|z|)/|z| of scaled numbers
template <class F> struct Ratio<F, Hardshrink> {
    typedef typename F::work W;
    static SHRINKOPS W of(W, W, W, W, W) { return 1; }
};
template <class F> struct Ratio<F, Softshrink> {
    typedef typename F::work W;
    static SHRINKOPS W of(W over, W re, W im, W t, W) {
        W size = sqrt(excess<F>(re, im, 0)), sum = 0, error = 0;
        add_product(sum, error, re, re);
        add_product(sum, error, im, im);
        add_product(sum, error, t, size);
        return over / (sum + error);
    }
};
template <class F> struct Ratio<F, Firmshrink> {
    typedef typename F::work W;
    static SHRINKOPS W of(W over, W re, W im, W t, W gain) {
        return Ratio<F, Softshrink>::of(over, re, im, t, gain) * gain;
    }
};
template <class F> struct Ratio<F, Garrote> {
    typedef typename F::work W;
    static SHRINKOPS W of(W over, W re, W im, W, W) { return over / excess<F>(re, im, 0); }
};

template <class F, class Op> struct Complex {
    typedef typename F::work W;
    typedef Pair<W> element;
    typedef typename F::bits limit;
    typedef typename Op::template second<F>::type second;
    static SHRINKOPS element shrunk(element z, limit t, second other) {
        const element zero = {0, 0};
        limit re = pun<limit>(z.re) & F::mask, im = pun<limit>(z.im) & F::mask;
        if (re > F::top || im > F::top || t < 0) return z;  // NaN, or an empty band
        if (t > F::most) return zero;
        if (re > F::most || im > F::most) return z;
        if (re == 0 && im == 0) return zero;
        int exponent;
        frexp(F::widen(re > im ? re : im), &exponent);
        W a = ldexp(z.re, -exponent), b = ldexp(z.im, -exponent);
        W scaled_t = scaled<F>(t, exponent);
        W over = excess<F>(a, b, scaled_t);
        if (over <= 0) return zero;
        if (Op::exact || t == 0) return z;
        W gain = 1;
        if (Op::upper) {
            limit mu = limit(other);
            if (mu <= t) return z;
            if (mu <= F::most && excess<F>(a, b, scaled<F>(mu, exponent)) >= 0) return z;
            gain = Firmshrink::gain<F>(F::widen(t), mu);
        }
        W ratio = Ratio<F, Op>::of(over, a, b, scaled_t, gain);
        if (ratio > 1) ratio = 1;
        const element result = {z.re * ratio, z.im * ratio};
        return result;
    }
};

// ---- Loops

#if SHRINKOPS_GPU
// 16 bytes at a time, then what is left; x and y are aligned to 16 bytes.
template <class Case>
SHRINKOPS void loop(const typename Case::element *x, typename Case::element *y, long long n,
                    typename Case::limit limit, typename Case::second second) {
    typedef typename Case::element element;
    const int lanes = 16 / sizeof(element);
    const long long first = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    const long long step = (long long)gridDim.x * blockDim.x, whole = n / lanes;
#pragma unroll 1  // counting the turns of an unrolled loop takes a division
    for (long long i = first; i < whole; i += step) {
        union { uint4 words; element elements[lanes]; } v;
        v.words = reinterpret_cast<const uint4 *>(x)[i];
#pragma unroll
        for (int k = 0; k < lanes; ++k)
            v.elements[k] = Case::shrunk(v.elements[k], limit, second);
        reinterpret_cast<uint4 *>(y)[i] = v.words;
    }
    const long long tail = whole * lanes + first;
    if (tail < n) y[tail] = Case::shrunk(x[tail], limit, second);
}
#define SHRINKOPS_KERNEL extern "C" __global__
#else
template <class Case>
inline void loop(const typename Case::element *x, typename Case::element *y, long long n,
                 typename Case::limit limit, typename Case::second second) {
    for (long long i = 0; i < n; ++i) y[i] = Case::shrunk(x[i], limit, second);
}
#define SHRINKOPS_KERNEL extern "C"
#endif

}  // namespace shrinkops

#define SHRINKOPS_DEFINE(NAME, ...)                                                             \
    namespace shrinkops { namespace NAME { typedef __VA_ARGS__ Case; } }                        \
    SHRINKOPS_KERNEL void NAME(                                                                 \
        const shrinkops::NAME::Case::element *x, shrinkops::NAME::Case::element *y,             \
        long long n, shrinkops::NAME::Case::limit limit,                                        \
        shrinkops::NAME::Case::second second) {                                                 \
        shrinkops::loop<shrinkops::NAME::Case>(x, y, n, limit, second);                         \
    }
