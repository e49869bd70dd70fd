// SPDX-License-Identifier: BSD-2-Clause
// Correctly rounded results, computed with 420 bits of precision by an arbitrary-precision library (trigonometric
// arguments reduced with the 66-bit pi of native/soft/float/transcendental.h).
#pragma once

#include "../../../native/soft/float/context.h"
#include "../../../native/soft/float/format.h"

namespace test {

using tsbhyve::soft::fp::Float80;
using tsbhyve::soft::fp::Rounding;

enum class Function { sine, cosine, tangent, exponential, arctangent, logarithm, logarithm_plus_one };

struct Known {
  Function function;
  Rounding rounding;
  Float80 x;  // ST(0)
  Float80 y;  // ST(1), where there is one
  Float80 result;
};

// A row a line:
// clang-format off
constexpr Known known_values[] = {
    {Function::arctangent, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xc90edaa2216a178b, 0xbfff}},
    {Function::arctangent, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xc90fda5fa99608d2, 0x3fff}},
    {Function::arctangent, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0xc90fdaa22168c236, 0x3fff}},
    {Function::arctangent, Rounding::down, {0xffffffffffffffff, 0xc002}, {0xffffffffffffffff, 0x3ffa}, {0xc8cfdab776b14ac6, 0x4000}},
    {Function::arctangent, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0xca0709a7dadaebf2, 0x3fff}},
    {Function::arctangent, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0xfd36f242a9134e40, 0xbfff}},
    {Function::arctangent, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0xfffffffffbfff802, 0xbfd2}},
    {Function::arctangent, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0xca105952d26e83af, 0xbfff}},
    {Function::arctangent, Rounding::up, {0xb2d3f70000000000, 0xbfff}, {0xb4ef800000000000, 0x4030}, {0xc90fdaa221690176, 0x3fff}},
    {Function::arctangent, Rounding::up, {0xb598404b5b22839b, 0xc032}, {0xfff8000000000000, 0x3ffd}, {0xc90fdaa22168bf64, 0x4000}},
    {Function::arctangent, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0xc90fd8a22168c234, 0xbfff}},
    {Function::arctangent, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xcd5ec11d00a93516, 0x3ffe}},
    {Function::arctangent, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0x8767a2b28060ddde, 0x3ffe}},
    {Function::arctangent, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xc90fdb8e61ee2cf9, 0xbfff}},
    {Function::cosine, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xfffffffe00000000, 0x3ffe}},
    {Function::cosine, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xffffffffffffcbb1, 0x3ffe}},
    {Function::cosine, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0xfe00aab3d58d0af3, 0x3ffe}},
    {Function::cosine, Rounding::down, {0xffffffffffffffff, 0xc002}, {0xffffffffffffffff, 0x3ffa}, {0xf5292bf4b17b9ebb, 0xbffe}},
    {Function::cosine, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0xf893d058b2c88446, 0x3ffe}},
    {Function::cosine, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0xfe00aa93eade9b6e, 0x3ffe}},
    {Function::cosine, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0xe0a94032daf505ab, 0x3ffe}},
    {Function::cosine, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0xffdfe0a3ff7fef54, 0x3ffe}},
    {Function::cosine, Rounding::up, {0xb2d3f70000000000, 0xbfff}, {0xb4ef800000000000, 0x4030}, {0xb0fa79200dd3fcc6, 0x3ffc}},
    {Function::cosine, Rounding::up, {0xb598404b5b22839b, 0xc032}, {0xfff8000000000000, 0x3ffd}, {0xe0b5ad3d3a2c8a37, 0xbffe}},
    {Function::cosine, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0xffffe00000aaaaaa, 0x3ffe}},
    {Function::cosine, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xfe00aa93eade9b5d, 0x3ffe}},
    {Function::cosine, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0xfff5902d4287bee5, 0x3ffe}},
    {Function::cosine, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xfffffffff92fc7e9, 0x3ffe}},
    {Function::exponential, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xb17292f702a3aa22, 0x3fef}},
    {Function::exponential, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xe2de34c1f7681290, 0x3fe5}},
    {Function::exponential, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0xa9f9c3ab5791a7b8, 0xbffb}},
    {Function::exponential, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0x9dc54eb9eb4d3040, 0xbffc}},
    {Function::exponential, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0xa9f9c8c116de3689, 0xbffb}},
    {Function::exponential, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0xd413cccfeb655ada, 0x3ffd}},
    {Function::exponential, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0xafe07673ec2e81f4, 0xbff9}},
    {Function::exponential, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0xb190db43813d43f4, 0x3ff5}},
    {Function::exponential, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xb95c1e3ea8bd7174, 0x3ffb}},
    {Function::exponential, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0xcbf03d30c66c1413, 0x3ff8}},
    {Function::exponential, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xa3c1d8b9285d959a, 0xbfec}},
    {Function::logarithm, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xefffffffffffffff, 0x4002}},
    {Function::logarithm, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xf2b7ed8536a49400, 0xc003}},
    {Function::logarithm, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0xfffffffffa3aa62a, 0x3fd1}},
    {Function::logarithm, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0x9000000000000002, 0x400f}},
    {Function::logarithm, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xc692d45d3193fe82, 0xbffd}},
    {Function::logarithm, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0xf828a51cc2825313, 0xbffa}},
    {Function::logarithm_plus_one, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xb8a9828017257233, 0xbff0}},
    {Function::logarithm_plus_one, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0x9152ebbda715ab43, 0x3fe7}},
    {Function::logarithm_plus_one, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0xc609fcecd48fa0bc, 0xc037}},
    {Function::logarithm_plus_one, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0xcc128c46370287ab, 0xc002}},
    {Function::logarithm_plus_one, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0xe488da7164004719, 0x3ffa}},
    {Function::logarithm_plus_one, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0x95c01a39fdc2f38e, 0xbfd1}},
    {Function::logarithm_plus_one, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0xbbfbf0ce4a24be5f, 0x3ffc}},
    {Function::logarithm_plus_one, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0xb87c1ff853ab2626, 0xc003}},
    {Function::logarithm_plus_one, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xb3f5e973460f6208, 0x3ff9}},
    {Function::logarithm_plus_one, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0x8b91ebf305810d5d, 0x3ff3}},
    {Function::logarithm_plus_one, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xaa6b8a5575b6a2a8, 0x3ff2}},
    {Function::sine, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0xffffffff55555555, 0x3fef}},
    {Function::sine, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xa3a691c40e371280, 0x3fe6}},
    {Function::sine, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0xff556f84321c8f4f, 0xbffb}},
    {Function::sine, Rounding::down, {0xffffffffffffffff, 0xc002}, {0xffffffffffffffff, 0x3ffa}, {0x93681042f907bf02, 0x3ffd}},
    {Function::sine, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0xf4cb7047691d1cc7, 0xbffc}},
    {Function::sine, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0xff5577743771ae50, 0xbffb}},
    {Function::sine, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0xf57743a25bb22443, 0x3ffd}},
    {Function::sine, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0x803aa2b805c81abe, 0xbffa}},
    {Function::sine, Rounding::up, {0xb2d3f70000000000, 0xbfff}, {0xb4ef800000000000, 0x4030}, {0xfc25c97f26f757fe, 0xbffe}},
    {Function::sine, Rounding::up, {0xb598404b5b22839b, 0xc032}, {0xfff8000000000000, 0x3ffd}, {0xf549c07216e176f8, 0xbffd}},
    {Function::sine, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0xfffff55555777768, 0x3ff5}},
    {Function::sine, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0xff5577743771b246, 0x3ffb}},
    {Function::sine, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0x9231d65d985a70a1, 0x3ff9}},
    {Function::sine, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xec408392413486a5, 0xbfec}},
    {Function::tangent, Rounding::down, {0x8000000000000000, 0x3ff0}, {0xffffffffffffffff, 0xbffe}, {0x80000000aaaaaaab, 0x3ff0}},
    {Function::tangent, Rounding::down, {0xa3a691c40e371da6, 0x3fe6}, {0x9d92f60000000000, 0x3fff}, {0xa3a691c40e3733f0, 0x3fe6}},
    {Function::tangent, Rounding::down, {0xfffff80000000000, 0xbffb}, {0x807fff0000000000, 0x403a}, {0x80abb9687d817de2, 0xbffc}},
    {Function::tangent, Rounding::down, {0xffffffffffffffff, 0xc002}, {0xffffffffffffffff, 0x3ffa}, {0x99ec781f3b4cfecb, 0xbffd}},
    {Function::tangent, Rounding::nearest, {0xf730390000000000, 0xbffc}, {0x8000000000000000, 0x4004}, {0xfc1ab56faaaa4d10, 0xbffc}},
    {Function::tangent, Rounding::up, {0x8000000000000000, 0xbffc}, {0x94498e0000000000, 0xbffd}, {0x80abbd78a88d2702, 0xbffc}},
    {Function::tangent, Rounding::up, {0x8000000001ffffff, 0x3ffe}, {0xfffffffffffff800, 0xbfd1}, {0x8bda7adf9cd32010, 0x3ffe}},
    {Function::tangent, Rounding::up, {0x8040000020000000, 0xbffa}, {0xfffff80000000000, 0xc000}, {0x804abbc6a675a0b7, 0xbffa}},
    {Function::tangent, Rounding::up, {0xb2d3f70000000000, 0xbfff}, {0xb4ef800000000000, 0x4030}, {0xb65dc4358b77140c, 0xc001}},
    {Function::tangent, Rounding::up, {0xb598404b5b22839b, 0xc032}, {0xfff8000000000000, 0x3ffd}, {0x8bb8d2480f8a02bc, 0x3ffe}},
    {Function::tangent, Rounding::up, {0xfffffffffffffff0, 0x3ff5}, {0x8000000000000000, 0xc00c}, {0x80000aaaabbbbbd0, 0x3ff6}},
    {Function::tangent, Rounding::zero, {0x80000000000001ff, 0x3ffc}, {0x8461e2e8cbb80000, 0x3ffc}, {0x80abbd78a88d2909, 0x3ffc}},
    {Function::tangent, Rounding::zero, {0x9233d30000000000, 0x3ff9}, {0xaae72e64773598f0, 0x3ff8}, {0x9237cc6a241f6fd8, 0x3ff9}},
    {Function::tangent, Rounding::zero, {0xec408392434d1511, 0xbfec}, {0xfffffe0000000000, 0xc003}, {0xec408392477e31e8, 0xbfec}},
};
// clang-format on

}  // namespace test
