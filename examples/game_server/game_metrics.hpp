// What the server counts, and under which names.
#pragma once

#include "match_room.hpp"

#include <berth/service/metric_registry.hpp>

namespace game {

class game_metrics {
public:
    explicit game_metrics(berth::service::metric_registry& in)
        : open(in.add_gauge("game_matches_open", "Matches that are open")),
          opened(in.add_counter("game_matches_opened_total", "Matches that were opened")),
          failed(in.add_counter("game_matches_failed_total", "Matches for which there was no port")),
          players(in.add_gauge("game_players", "Players in all matches")),
          open_time(in.add_histogram("game_open_seconds", "From a join to a match that receives",
                                     berth::service::growing_bounds(5e-6, 2, 16))),
          ticks(in.add_counter("game_ticks_total", "Ticks of shards")),
          skipped(in.add_counter("game_ticks_skipped_total", "Ticks that a shard had no time for")),
          lateness(in.add_histogram("game_tick_lateness_seconds", "How late a shard's ticks began",
                                    berth::service::growing_bounds(5e-5, 2, 12))),
          received(in.add_counter("game_datagrams_received_total", "Datagrams that matches received")),
          sent(in.add_counter("game_datagrams_sent_total", "Datagrams that matches sent")),
          malformed(in.add_counter("game_datagrams_dropped_total", dropped, {{"why", "malformed"}})),
          stranger(in.add_counter("game_datagrams_dropped_total", dropped, {{"why", "stranger"}})),
          left(in.add_counter("game_matches_ended_total", ended, {{"why", "left"}})),
          over(in.add_counter("game_matches_ended_total", ended, {{"why", "over"}})),
          closed(in.add_counter("game_matches_ended_total", ended, {{"why", "closing"}})),
          cookies(in.add_counter("game_lobby_answers_total", answers, {{"answer", "cookie"}})),
          places(in.add_counter("game_lobby_answers_total", answers, {{"answer", "place"}})),
          refusals(in.add_counter("game_lobby_answers_total", answers, {{"answer", "refused"}})),
          lobby_malformed(in.add_counter("game_lobby_dropped_total", "Datagrams that are no join")) {}

    berth::service::gauge& open;
    berth::service::counter &opened, &failed;
    berth::service::gauge& players;
    berth::service::histogram& open_time;
    berth::service::counter &ticks, &skipped;
    berth::service::histogram& lateness;
    berth::service::counter &received, &sent, &malformed, &stranger, &left, &over, &closed;
    berth::service::counter &cookies, &places, &refusals, &lobby_malformed;

    [[nodiscard]] berth::service::counter& ended_by(why reason) noexcept {
        return reason == why::left ? left : reason == why::over ? over : closed;
    }

private:
    static constexpr auto dropped = "Datagrams to matches that were of no use";
    static constexpr auto ended = "Matches that have ended";
    static constexpr auto answers = "What the lobby answered";
};

}  // namespace game
