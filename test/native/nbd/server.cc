// SPDX-License-Identifier: BSD-2-Clause
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace test {
namespace {

using Buffer = std::vector<std::uint8_t>;

void append(Buffer& to, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
}

std::uint64_t number(const Buffer& from, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t index = 0; index < bytes; index++) value = value << 8 | from[at + index];
  return value;
}

bool read_all(int fd, Buffer& to) {
  for (std::size_t done = 0; done < to.size();) {
    const ssize_t got = recv(fd, to.data() + done, to.size() - done, 0);
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

Server::Server(Behaviour what) : behaviour(std::move(what)), disk(behaviour.size), stable(behaviour.size) {
  char folder[] = "/tmp/tsbhyve-nbd-XXXXXX";
  if (mkdtemp(folder) == nullptr) abort();
  path_ = std::string(folder) + "/socket";
  start();
}

Server::~Server() {
  stop();
  rmdir(path_.substr(0, path_.rfind('/')).c_str());
}

void Server::start() {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 8) != 0) abort();
  thread_ = std::thread([this] { serve(); });
}

void Server::stop() {
  if (listener_ < 0) return;
  shutdown(listener_, SHUT_RDWR);
  if (current_ >= 0) shutdown(current_, SHUT_RDWR);
  thread_.join();
  close(listener_);
  listener_ = -1;
  unlink(path_.c_str());
}

void Server::serve() {
  for (;;) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    current_ = fd;
    connections++;
    connection(fd);
    current_ = -1;
    close(fd);
    if (behaviour.loses_unflushed) disk = stable;
  }
}

void Server::connection(int fd) {
  if (!negotiate(fd)) return;
  while (answer(fd)) continue;
}

bool Server::send(int fd, Buffer bytes) {
  if (behaviour.spoil) behaviour.spoil(bytes);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t sent = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += static_cast<std::size_t>(sent);
  }
  return true;
}

bool Server::negotiate(int fd) {
  Buffer greeting;
  append(greeting, 0x4e42444d41474943, 8);
  append(greeting, 0x49484156454f5054, 8);
  append(greeting, 1, 2);
  Buffer flags(4);
  if (!send(fd, greeting) || !read_all(fd, flags)) return false;
  const auto reply = [&](std::uint64_t option, std::uint64_t type, const Buffer& data) {
    Buffer bytes;
    append(bytes, 0x3e889045565a9, 8);
    append(bytes, option, 4);
    append(bytes, type, 4);
    append(bytes, data.size(), 4);
    bytes.insert(bytes.end(), data.begin(), data.end());
    return send(fd, bytes);
  };
  for (;;) {
    Buffer head(16);
    if (!read_all(fd, head)) return false;
    const std::uint64_t option = number(head, 8, 4);
    Buffer data(number(head, 12, 4));
    if (!read_all(fd, data)) return false;
    if (option == 8) {
      if (!reply(option, behaviour.structured ? 1 : 0x80000001, {})) return false;
      continue;
    }
    if (behaviour.go_error != 0) return reply(option, behaviour.go_error, {}) && false;
    Buffer info, blocks;
    append(info, 0, 2);
    append(info, behaviour.size, 8);
    append(info, behaviour.flags, 2);
    append(blocks, 3, 2);
    append(blocks, behaviour.minimum_block, 4);
    append(blocks, 4096, 4);
    append(blocks, behaviour.maximum_payload, 4);
    return reply(option, 3, info) && reply(option, 3, blocks) && reply(option, 1, {});
  }
}

void Server::apply(std::uint16_t type, std::uint16_t flags, std::uint64_t offset, const Buffer& data) {
  if (type == 1 || type == 6) {
    std::copy(data.begin(), data.end(), disk.begin() + static_cast<std::ptrdiff_t>(offset));
    if (flags & 1) {
      fua_writes++;
      std::copy(data.begin(), data.end(), stable.begin() + static_cast<std::ptrdiff_t>(offset));
    }
  } else if (type == 3) {
    flushes++;
    stable = disk;
  }
}

bool Server::answer(int fd) {
  Buffer head(28);
  if (!read_all(fd, head)) return false;
  const auto flags = static_cast<std::uint16_t>(number(head, 4, 2)),
             type = static_cast<std::uint16_t>(number(head, 6, 2));
  const std::uint64_t cookie = number(head, 8, 8), offset = number(head, 16, 8), length = number(head, 24, 4);
  if (type == 2 || offset + length > disk.size()) return false;
  longest = std::max(longest.load(), static_cast<int>(length));
  Buffer data(type == 1 || type == 6 ? length : 0);
  if (type == 1 && !read_all(fd, data)) return false;
  if (!behaviour.answers) return true;
  if (behaviour.error == 0) apply(type, flags, offset, data);
  if (replies++ == behaviour.drop_before_reply) return false;

  Buffer out;
  const auto chunk = [&](std::uint64_t chunk_flags, std::uint64_t chunk_type, std::uint64_t bytes) {
    append(out, 0x668e33ef, 4);
    append(out, chunk_flags, 2);
    append(out, chunk_type, 2);
    append(out, cookie, 8);
    append(out, bytes, 4);
  };
  const auto bytes_of_disk = [&](std::uint64_t from, std::uint64_t count) {
    out.insert(out.end(), disk.begin() + static_cast<std::ptrdiff_t>(from),
               disk.begin() + static_cast<std::ptrdiff_t>(from + count));
  };
  const bool is_read = type == 0;
  if (!behaviour.structured || !is_read) {
    append(out, 0x67446698, 4);
    append(out, behaviour.error, 4);
    append(out, cookie, 8);
    if (is_read && behaviour.error == 0) bytes_of_disk(offset, length);
  } else if (behaviour.error != 0) {
    chunk(1, 0x8001, 6 + 3);
    append(out, behaviour.error, 4);
    append(out, 3, 2);
    append(out, 0x616263, 3);
  } else if (behaviour.splits_reads && length >= 1024) {
    chunk(0, 1, 8 + length - 512);
    append(out, offset + 512, 8);
    bytes_of_disk(offset + 512, length - 512);
    const bool is_hole =
        std::all_of(disk.begin() + static_cast<std::ptrdiff_t>(offset),
                    disk.begin() + static_cast<std::ptrdiff_t>(offset + 512), [](auto b) { return b == 0; });
    chunk(0, is_hole ? 2 : 1, is_hole ? 12 : 8 + 512);
    append(out, offset, 8);
    if (is_hole) {
      append(out, 512, 4);
    } else {
      bytes_of_disk(offset, 512);
    }
    chunk(1, 0, 0);
  } else {
    chunk(1, 1, 8 + length);
    append(out, offset, 8);
    bytes_of_disk(offset, length);
  }
  return send(fd, out);
}

}  // namespace test
