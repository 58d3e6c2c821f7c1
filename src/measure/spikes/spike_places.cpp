#include "spikesink/measure/spikes/spike_places.h"

#include <algorithm>
#include <utility>

#include "detail/fail.h"

namespace spikesink {

SpikePlaces::SpikePlaces(std::vector<TokenPlace> places, bool complete)
    : places_(std::move(places)), complete_(complete) {
  std::sort(places_.begin(), places_.end());
  places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
}

torch::Tensor SpikePlaces::mask(int64_t first_sequence, int64_t sequences, int64_t length) const {
  auto mask = torch::zeros({sequences, length}, torch::kBool);
  auto* spikes = mask.data_ptr<bool>();
  auto place = std::lower_bound(places_.begin(), places_.end(), TokenPlace{first_sequence, 0});
  for (; place != places_.end() && place->sequence < first_sequence + sequences; ++place) {
    if (place->position >= length) {
      detail::fail_argument(
          "[SpikePlaces] a spike token stands at position {} of sequence {}: got a sequence of {} "
          "tokens, expected the text in which it was found",
          place->position, place->sequence, length);
    }
    spikes[(place->sequence - first_sequence) * length + place->position] = true;
  }
  return mask;
}

torch::Tensor SpikePlaces::mask(const TokenBatch& batch) const {
  const auto of_text =
      mask(batch.first_sequence, batch.ids.size(0), batch.ids.size(1) - batch.prefix);
  return at::constant_pad_nd(of_text, {batch.prefix, 0});
}

}  // namespace spikesink
