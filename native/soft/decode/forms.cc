// SPDX-License-Identifier: BSD-2-Clause
#include "soft/decode/forms.h"

namespace tsbhyve::soft {
namespace {

using enum OperandKind;

constexpr Width V = Width::V, Z = Width::Z, Y = Width::Y, M = Width::Mode;
constexpr Width b1 = bytes(1), b2 = bytes(2), b4 = bytes(4), b8 = bytes(8), b10 = bytes(10), b16 = bytes(16);

constexpr FormInfo rm(OperandKind kind, Width width, Width memory) { return {Place::Rm, kind, width, memory}; }
constexpr FormInfo rm_register(OperandKind kind, Width width) { return {Place::RmRegister, kind, width}; }
constexpr FormInfo reg(OperandKind kind, Width width) { return {Place::Reg, kind, width}; }
constexpr FormInfo memory(Width width) { return {Place::MemoryOnly, OperandKind::None, bytes(0), width}; }
constexpr FormInfo fixed(OperandKind kind, Width width, u8 number) {
  return {Place::Fixed, kind, width, bytes(0), bytes(0), number};
}
constexpr FormInfo immediate(Place place, Width width, Width encoded) {
  return {place, Immediate, width, bytes(0), encoded};
}

struct FormRow {
  Form form;
  FormInfo info;
};

constexpr FormRow rows[] = {
    {Form::Eb, rm(Gpr, b1, b1)},
    {Form::Ew, rm(Gpr, b2, b2)},
    {Form::Ed, rm(Gpr, b4, b4)},
    {Form::Ev, rm(Gpr, V, V)},
    {Form::Ey, rm(Gpr, Y, Y)},
    {Form::Ez, rm(Gpr, Z, Z)},
    {Form::EvMw, rm(Gpr, V, b2)},
    {Form::EdMb, rm(Gpr, b4, b1)},
    {Form::EdMw, rm(Gpr, b4, b2)},
    {Form::Gb, reg(Gpr, b1)},
    {Form::Gw, reg(Gpr, b2)},
    {Form::Gd, reg(Gpr, b4)},
    {Form::Gv, reg(Gpr, V)},
    {Form::Gy, reg(Gpr, Y)},
    {Form::Gm, reg(Gpr, M)},
    {Form::Ry, rm_register(Gpr, Y)},
    {Form::Rm, rm_register(Gpr, M)},
    {Form::Mb, memory(b1)},
    {Form::Mw, memory(b2)},
    {Form::Md, memory(b4)},
    {Form::Mq, memory(b8)},
    {Form::Mdq, memory(b16)},
    {Form::Mv, memory(V)},
    {Form::My, memory(Y)},
    {Form::Mp, memory(Width::Far)},
    {Form::Ms, memory(Width::Descriptor)},
    {Form::Ma, memory(Width::Pair)},
    {Form::Mt, memory(b10)},
    {Form::Mcx, memory(Width::Exchange)},
    {Form::Menv, memory(Width::Environment)},
    {Form::Mstate, memory(Width::State)},
    {Form::Mfx, memory(bytes(0))},  // 512 bytes do not fit Operand::size
    {Form::Zb, {Place::OpcodeReg, Gpr, b1}},
    {Form::Zv, {Place::OpcodeReg, Gpr, V}},
    {Form::AL, fixed(Gpr, b1, 0)},
    {Form::AX, fixed(Gpr, b2, 0)},
    {Form::rAX, fixed(Gpr, V, 0)},
    {Form::eAX, fixed(Gpr, Z, 0)},
    {Form::CL, fixed(Gpr, b1, 1)},
    {Form::DX, fixed(Gpr, b2, 2)},
    {Form::One, immediate(Place::Constant1, b1, bytes(0))},
    {Form::Ib, immediate(Place::Immediate, b1, b1)},
    {Form::Ibs, immediate(Place::SignedImmediate, V, b1)},
    {Form::Iw, immediate(Place::Immediate, b2, b2)},
    {Form::Iz, immediate(Place::SignedImmediate, V, Z)},
    {Form::Iv, immediate(Place::SignedImmediate, V, V)},
    {Form::IwIb, immediate(Place::NestedImmediate, b2, b2)},
    {Form::Jb, {Place::Relative, Relative, V, bytes(0), b1}},
    {Form::Jz, {Place::Relative, Relative, V, bytes(0), Z}},
    {Form::Ap, {Place::FarPointer, FarPointer, Width::Far, bytes(0), Z}},
    {Form::Ob, {Place::Offset, Memory, b1}},
    {Form::Ov, {Place::Offset, Memory, V}},
    {Form::Sw, reg(Segment, b2)},
    {Form::SegES, fixed(Segment, b2, ES)},
    {Form::SegCS, fixed(Segment, b2, CS)},
    {Form::SegSS, fixed(Segment, b2, SS)},
    {Form::SegDS, fixed(Segment, b2, DS)},
    {Form::SegFS, fixed(Segment, b2, FS)},
    {Form::SegGS, fixed(Segment, b2, GS)},
    {Form::Cd, reg(Control, M)},
    {Form::Dd, reg(Debug, M)},
    {Form::Vx, reg(Xmm, b16)},
    {Form::Wx, rm(Xmm, b16, b16)},
    {Form::Ww, rm(Xmm, b16, b2)},
    {Form::Wd, rm(Xmm, b16, b4)},
    {Form::Wq, rm(Xmm, b16, b8)},
    {Form::Ux, rm_register(Xmm, b16)},
    {Form::Pq, reg(Mmx, b8)},
    {Form::Qq, rm(Mmx, b8, b8)},
    {Form::Qd, rm(Mmx, b8, b4)},
    {Form::Nq, rm_register(Mmx, b8)},
    {Form::ST0, fixed(Fpu, b10, 0)},
    {Form::STi, {Place::StackTop, Fpu, b10}},
};

constexpr auto build() {
  std::array<FormInfo, form_count> table{};
  for (const FormRow& row : rows) table[static_cast<size_t>(row.form)] = row.info;
  return table;
}

constexpr auto table = build();

}  // namespace

const FormInfo& form_info(Form form) { return table[static_cast<size_t>(form)]; }

}  // namespace tsbhyve::soft
