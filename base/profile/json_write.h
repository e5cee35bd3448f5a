// The bytes of canonical JSON, written into a buffer that only grows. Used inside base/profile only. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace base::profile {

class ByteBuffer {
 public:
  std::string_view view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  void cut(std::size_t size) { size_ = size; }

  // Room for so many bytes more; wrote() says where they end.
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_.get() + size_;
  }
  void wrote(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *room(1) = c;
    ++size_;
  }

 private:
  void grow(std::size_t bytes) {
    const std::size_t capacity = std::max<std::size_t>({size_ + bytes, capacity_ * 2, 256});
    std::unique_ptr<char[]> data(new char[capacity]);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

void append_integer(ByteBuffer& out, std::int64_t value);
void append_real(ByteBuffer& out, double value);
void append_quoted(ByteBuffer& out, std::string_view text);

}  // namespace base::profile
