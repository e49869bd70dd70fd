// SPDX-License-Identifier: BSD-2-Clause
#include "convert.h"

#include <iterator>
#include <type_traits>

#include "operands.h"

namespace tsbhyve::soft::fp {

namespace {

template <class To>
To convert_to(Context& context, const Unpacked& value, const Target& target) {
  if (const auto nan = nan_result(context, value)) return pack<To>(*nan);
  if (!value.is_finite()) return pack<To>(value);
  return pack<To>(round(context, exact(value), target));
}

}  // namespace

template <class To>
To store(Context& context, const Unpacked& value) {
  Target target = Layout<To>::target;
  target.out_of_range = OutOfRange::refused;
  return convert_to<To>(context, value, target);
}

template <class To>
To convert(Context& context, const Unpacked& value) {
  const bool stopped = value.is_finite() && stopped_by_denormal(context, value);
  if (stopped && !std::is_same_v<To, Float80>) return pack<To>(make_indefinite());
  return convert_to<To>(context, value, Layout<To>::target);
}

Float80 constant(const Context& context, Constant name) {
  // Fractions to 128 bits, truncated; the digits after them are not all zero, so that rounding by mode is right.
  static constexpr Exact values[] = {
      {false, 0, wide(0x8000000000000000, 0)},
      {false, 1, wide(0xD49A784BCD1B8AFE, 0x492BF6FF4DAFDB4C)},
      {false, 0, wide(0xB8AA3B295C17F0BB, 0xBE87FED0691D3E88)},
      {false, 1, wide(0xC90FDAA22168C234, 0xC4C6628B80DC1CD1)},
      {false, -2, wide(0x9A209A84FBCFF798, 0x8F8959AC0B7C9178)},
      {false, -1, wide(0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF)},
      {false, 0, 0},
  };
  static_assert(std::size(values) == static_cast<size_t>(Constant::zero) + 1);
  Context scratch = context;
  const Exact& value = values[static_cast<size_t>(name)];
  return value.fraction == 0 ? pack<Float80>(make_zero(false)) : round_and_pack<Float80>(scratch, value);
}

template Float32 store<Float32>(Context&, const Unpacked&);
template Float64 store<Float64>(Context&, const Unpacked&);
template Float32 convert<Float32>(Context&, const Unpacked&);
template Float64 convert<Float64>(Context&, const Unpacked&);
template Float80 convert<Float80>(Context&, const Unpacked&);

}  // namespace tsbhyve::soft::fp
