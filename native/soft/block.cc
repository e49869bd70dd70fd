// SPDX-License-Identifier: BSD-2-Clause
#include "soft/block.h"

#include <new>

namespace tsbhyve::soft {

std::unique_ptr<Block> Block::make(u32 count, bool falls, bool straddles, u32 kept_bytes) {
  const size_t ops = count + (falls ? 1 : 0);
  const size_t size = sizeof(Block) + ops * sizeof(Op) + (straddles ? sizeof(SecondPage) : 0) + kept_bytes;
  std::unique_ptr<Block> block(::new (::operator new(size)) Block);
  block->count = static_cast<u8>(count);
  block->falls = falls;
  block->straddles = straddles;
  block->keeps_bytes = kept_bytes != 0;
  std::uninitialized_value_construct_n(block->ops(), ops);
  if (straddles) ::new (&block->second_page()) SecondPage;
  return block;
}

}  // namespace tsbhyve::soft
