// SPDX-License-Identifier: BSD-2-Clause
// x87 instructions with memory operands against the host: loads, stores, integers, packed decimals, mixed-format
// arithmetic.
#include "host_x87.h"

#if HOST_HAS_X87

#include <cstring>

#include "../../../native/soft/float/arithmetic.h"
#include "../../../native/soft/float/compare.h"
#include "../../../native/soft/float/convert.h"
#include "../../../native/soft/float/integer.h"
#include "x87_case.h"

namespace {

using namespace tsbhyve::soft::fp;
using test::Case;
using test::Random;

template <class T>
using HostMemory = test::host::Outcome (*)(uint16_t, const Float80&, const T&);
template <class T>
using HostStore = uint16_t (*)(uint16_t, const Float80&, T&);

template <class T>
void check_mixed(Case& c, const char* name, const T& memory, HostMemory<T> host,
                 Float80 (*ours)(Context&, const Unpacked&, const Unpacked&)) {
  c.right = pack<Float80>(unpack(c.context, memory));
  const Float80 result = ours(c.context, c.a(), unpack(c.context, memory));
  c.expect(name, host(c.control, c.left, memory), result);
}

template <class T>
void check_load(Case& c, const char* name, const T& memory, HostMemory<T> host) {
  c.left = pack<Float80>(unpack(c.context, memory));
  c.expect(name, host(c.control, c.left, memory), convert<Float80>(c.context, unpack(c.context, memory)));
}

template <class T>
void check_integer_operand(Case& c, const char* name, T memory, HostMemory<T> host) {
  c.expect(name, host(c.control, c.left, memory), multiply<Float80>(c.context, c.a(), unpack_integer(memory)));
}

template <class T>
void check_integer_load(Case& c, const char* name, T memory, HostMemory<T> host) {
  c.left = pack<Float80>(unpack_integer(memory));
  c.expect(name, host(c.control, c.left, memory), from_integer<Float80>(c.context, memory));
}

constexpr int fill = 0x5A;

// An unmasked invalid, overflow or underflow stores nothing.
template <class T>
void check_store(Case& c, const char* name, HostStore<T> host, const T& result) {
  T stored;
  std::memset(&stored, fill, sizeof stored);
  T expected = stored;
  const uint16_t status = host(c.control, c.left, stored);
  if ((c.context.flags & ~c.context.masks & 0x1F) == 0) expected = result;
  c.expect_bytes(name, status, &stored, &expected, sizeof stored);
}

void check_loads_and_arithmetic(Random& random, test::Report& report) {
  using namespace test;
  const Float32 single = edge32(random);
  const Float64 twice = edge64(random);
  Case c(random, report);
  check_mixed(c, "fadd m32", single, host::add32, add<Float80>);
  check_mixed(c.again(), "fadd m64", twice, host::add64, add<Float80>);
  check_mixed(c.again(), "fdiv m32", single, host::divide32, divide<Float80>);
  check_mixed(c.again(), "fdiv m64", twice, host::divide64, divide<Float80>);
  const auto word = static_cast<int16_t>(edge_bits(random));
  const auto doubleword = static_cast<int32_t>(edge_bits(random));
  const auto quadword = static_cast<int64_t>(edge_bits(random));
  check_integer_operand(c.again(), "fimul m16", word, host::multiply_word);
  check_integer_operand(c.again(), "fimul m32", doubleword, host::multiply_doubleword);
  check_load(c.again(), "fld m32", single, host::load32);
  check_load(c.again(), "fld m64", twice, host::load64);
  check_integer_load(c.again(), "fild m16", word, host::load_word);
  check_integer_load(c.again(), "fild m32", doubleword, host::load_doubleword);
  check_integer_load(c.again(), "fild m64", quadword, host::load_quadword);
}

// Exponents near the range of the destination.
void narrow(Random& random, Case& c) {
  static constexpr unsigned centres[] = {16383 - 126, 16383 + 127, 16383 - 1022, 16383 + 1023,
                                         16383,       16383 + 31,  16383 + 60};
  const unsigned exponent = centres[random.below(7)] + random.below(70) - 35;
  c.left = {c.left.significand | integer_bit, static_cast<uint16_t>((c.left.sign_exponent & 0x8000) | exponent)};
}

void check_stores(Random& random, test::Report& report) {
  using namespace test;
  Case c(random, report);
  if (random.below(8) != 0) narrow(random, c);
  const Float32 single = store<Float32>(c.context, c.a());
  check_store(c, "fst m32", host::store32, single);
  const Float64 twice = store<Float64>(c.again().context, c.a());
  check_store(c, "fst m64", host::store64, twice);
  const auto integer = [&](Rounding rounding, IntegerWidth width) {
    return to_integer(c.again().context, rounding, width, c.a());
  };
  const Rounding rounding = c.context.rounding;
  check_store(c, "fist m16", host::store_word, static_cast<int16_t>(integer(rounding, IntegerWidth::word)));
  check_store(c, "fist m32", host::store_doubleword, static_cast<int32_t>(integer(rounding, IntegerWidth::doubleword)));
  check_store(c, "fistp m64", host::store_quadword, integer(rounding, IntegerWidth::quadword));
  check_store(c, "fisttp m16", host::truncate_word, static_cast<int16_t>(integer(Rounding::zero, IntegerWidth::word)));
  check_store(c, "fisttp m64", host::truncate_quadword, integer(Rounding::zero, IntegerWidth::quadword));
  const PackedDecimal decimal = to_decimal(c.again().context, c.a());
  host::Decimal bytes{};
  std::memcpy(bytes.bytes, decimal.data(), decimal.size());
  check_store(c, "fbstp", host::store_decimal, bytes);
}

void check_decimal_loads(Random& random, test::Report& report) {
  using namespace test;
  Case c(random, report);
  PackedDecimal decimal{};
  host::Decimal memory{};
  for (size_t i = 0; i < decimal.size(); i++) {
    decimal[i] = static_cast<uint8_t>(i == 9 ? random.below(2) << 7 : random.below(10) << 4 | random.below(10));
    if (random.below(3) == 0) decimal[i] = 0;
    memory.bytes[i] = decimal[i];
  }
  c.expect("fbld", host::load_decimal(c.control, c.left, memory), from_decimal(decimal));
}

}  // namespace

int main(int argc, char** argv) {
  test::Report report("x87 memory");
  Random random(0x6D65'6D6F'7279'2121);
  const uint64_t count = test::rounds(argc, argv, 200'000);
  for (uint64_t i = 0; i < count; i++) {
    check_loads_and_arithmetic(random, report);
    check_stores(random, report);
    check_decimal_loads(random, report);
  }
  return report.finish();
}

#else

#include <cstdio>

int main() {
  std::printf("x87 memory: skipped, the host has no x87 to compare with\n");
  return 0;
}

#endif
