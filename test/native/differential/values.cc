// SPDX-License-Identifier: BSD-2-Clause
#include "values.h"

#include "soft/cpu.h"

namespace tsbhyve::differential {

namespace {

constexpr u64 special_singles[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001,
    0xffbfffff, 0x7fc12345, 0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f7fffff, 0x3f000000,
    0x4b800000, 0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000, 0x3fc00000, 0x40200000, 0x34000000, 0x1e3ce508,
};
constexpr u64 special_doubles[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001, 0xfff7ffffffffffff,
    0x7ff8123456789abc, 0x0000000000000001, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
    0x3fefffffffffffff, 0x3fe0000000000000, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000,
    0x43e0000000000000, 0xc3e0000000000000, 0x433fffffffffffff, 0x36a0000000000000, 0x380fffffffffffff,
    0x47efffffe0000000, 0x47effffff0000000, 0x4004000000000000,
};
struct Extended {
  u16 sign_exponent;
  u64 significand;
};
// Zeros, ones, infinities, NaNs, denormals, pseudo-denormals, unnormals, pseudo-infinity, the ends of the formats.
constexpr Extended special_extended[] = {
    {0x0000, 0},
    {0x8000, 0},
    {0x3fff, u64{1} << 63},
    {0xbfff, u64{1} << 63},
    {0x7fff, u64{1} << 63},
    {0xffff, u64{1} << 63},
    {0x7fff, u64{3} << 62},
    {0xffff, u64{3} << 62},
    {0x7fff, 0x8000000000000001},
    {0xffff, 0xbfffffffffffffff},
    {0x0000, 1},
    {0x8000, 0x7fffffffffffffff},
    {0x0000, 0x8000000000000001},
    {0x4000, 0x4000000000000000},
    {0x7fff, 0},
    {0x7fff, 0x1234567812345678},
    {0x7ffe, ~u64{0}},
    {0x0001, u64{1} << 63},
    {0x3ffe, ~u64{0}},
    {0x403e, ~u64{0}},
    {0x403d, 0xfffffffffffffffe},
    {0xc03e, u64{1} << 63},
    {0x401e, 0xfffffffe00000000},
    {0x400e, 0xffff000000000000},
    {0x4000, 0xc90fdaa22168c235},
    {0x3f80, 0x8000000000000000},
    {0x407e, 0xffffff8000000000},
    {0x3c00, 0xfffffffffffff800},
    {0x3fff, 0xc000000000000000},
    {0x4000, 0xa000000000000000},
    {0x403e, 0xde0b6b3a76400000},
};

u64 draw_single(Random& random) {
  switch (random.below(4)) {
    case 0: return random.next() & 0xffffffff;
    case 1: return (random.next() & 0x83ffffff) | 0x3c000000;  // near one
    default: return random.pick(special_singles);
  }
}

u64 draw_double(Random& random) {
  switch (random.below(4)) {
    case 0: return random.next();
    case 1: return (random.next() & 0x803fffffffffffff) | 0x3fc0000000000000;
    default: return random.pick(special_doubles);
  }
}

Extended draw_extended(Random& random) {
  switch (random.below(5)) {
    case 0: return {static_cast<u16>(random.next()), random.next()};
    case 1: return {static_cast<u16>(random.next()), random.next() | u64{1} << 63};
    case 2: return {static_cast<u16>((random.next() & 0x803f) | 0x3fe0), random.next() | u64{1} << 63};
    default: return random.pick(special_extended);
  }
}

u64 draw_lane(Random& random) {
  switch (random.below(4)) {
    case 0: return draw_integer(random);
    case 1: return draw_double(random);
    default: return draw_single(random) | draw_single(random) << 32;
  }
}

constexpr u32 precisions[] = {0, 2, 3};

u32 draw_mxcsr(Random& random) {
  u32 mxcsr = random.chance(8) ? static_cast<u32>(random.next()) & 0x1f80 : 0x1f80;
  mxcsr |= random.below(4) << 13;
  if (random.chance(6)) mxcsr |= 0x8000;  // FTZ
  if (random.chance(6)) mxcsr |= 0x40;    // DAZ
  if (random.chance(8)) mxcsr |= static_cast<u32>(random.next()) & 0x3f;
  return mxcsr;
}

void draw_x87(Random& random, FxImage& image) {
  image.control = 0x37f;
  if (random.chance(3))
    image.control = static_cast<u16>((image.control & 0xf0ff) | random.pick(precisions) << 8 | random.below(4) << 10);
  if (random.chance(8)) image.control = static_cast<u16>((image.control & ~0x3fu) | (random.next() & 0x3f));
  u32 status = static_cast<u32>(random.next()) & 0x4700;
  status |= random.below(8) << 11;
  if (random.chance(8)) status |= static_cast<u32>(random.next()) & 0x7f;
  if (random.chance(2)) status &= ~0x3fu | image.control;  // no pending exception
  if (status & ~u32{image.control} & 0x3f) status |= 0x8080;
  image.status = static_cast<u16>(status);
  image.valid = random.chance(3) ? random.byte() : random.chance(2) ? u8{0xff} : u8{0};
  if (random.chance(2))
    image.valid = static_cast<u8>(3u << (status >> 11 & 7) | 3u >> (8 - (status >> 11 & 7)));  // ST(0), ST(1)
  for (auto& st : image.st) {
    const Extended value = draw_extended(random);
    std::memcpy(st, &value.significand, 8);
    std::memcpy(st + 8, &value.sign_exponent, 2);
  }
}

constexpr u64 width_limits[] = {
    0x7f, 0x80, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0x7fffffffffffffff, 0x8000000000000000};

}  // namespace

u64 draw_integer(Random& random) {
  const u64 power = u64{1} << random.below(64);
  switch (random.below(12)) {
    case 0: return random.below(4);
    case 1: return u64{0} - 1 - random.below(3);
    case 2: return power;
    case 3: return power - 1;
    case 4: return power + 1;
    case 5: return ~power;
    case 6: return random.pick(width_limits);
    case 7: return random.byte();
    case 8: return random.next() & 0xffff;
    case 9: return random.next() & 0xffffffff;
    default: return random.next();
  }
}

u64 draw_rflags(Random& random) {
  u64 value = (random.next() & status_flags) | rflags::IF | 2;
  if (random.chance(4)) value |= rflags::DF;
  if (random.chance(8)) value |= rflags::ID;
  if (random.chance(16)) value |= rflags::AC;
  if (random.chance(16)) value |= rflags::NT;
  return value;
}

void draw_fx(Random& random, FxImage& image) {
  draw_x87(random, image);
  image.mxcsr = draw_mxcsr(random);
  for (auto& xmm : image.xmm) {
    for (u64& lane : xmm) lane = draw_lane(random);
  }
}

void draw_operand(Random& random, u8 (&bytes)[max_operand]) {
  for (size_t at = 0; at < max_operand; at += 16) {
    if (random.chance(3)) {
      const Extended value = draw_extended(random);
      const u64 rest = random.next();
      std::memcpy(bytes + at, &value.significand, 8);
      std::memcpy(bytes + at + 8, &value.sign_exponent, 2);
      std::memcpy(bytes + at + 10, &rest, 6);
    } else {
      const u64 lanes[] = {draw_lane(random), draw_lane(random)};
      std::memcpy(bytes + at, lanes, sizeof(lanes));
    }
  }
}

}  // namespace tsbhyve::differential
