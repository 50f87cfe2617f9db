// The page's whole style sheet. Colours of series: s0 to s5 for others' ways, s6 to s9, the cool ones, for berth's.
#pragma once

#include <string_view>

namespace berth::bench {

inline constexpr std::string_view page_style = R"css(
:root{color-scheme:light dark;--bg:#fbfbf9;--fg:#1c2126;--soft:#69727c;--grid:#dfe2e5;--card:#fff;--good:#0a7a4b;--bad:#b3261e;
--c0:#c8322b;--c1:#5e6b78;--c2:#e38a1d;--c3:#9a6fb8;--c4:#b58a3c;--c5:#7d5a4f;--c6:#0b62b8;--c7:#00856f;--c8:#3aa0d8;--c9:#5048c0}
@media(prefers-color-scheme:dark){:root{--bg:#14181c;--fg:#e6e9ec;--soft:#97a1ab;--grid:#333b43;--card:#1b2127;--good:#4fce95;--bad:#ff8a80;
--c0:#ff6f66;--c1:#a4b0bc;--c2:#f5a84a;--c3:#c59be0;--c4:#d9b36a;--c5:#b89284;--c6:#5aa9ff;--c7:#36cbb0;--c8:#7fd0ff;--c9:#9d95ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:1.2rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2rem 0 .3rem}h3{font-size:1rem;margin:0 0 .2rem}
p{margin:.3rem 0 .8rem;max-width:75ch}.soft{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,356px),1fr));gap:1rem}
.pairs{grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}
.card{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:.8rem .9rem}
svg{width:100%;max-width:480px;height:auto;display:block;margin:0 auto}svg text{font:16.5px system-ui,sans-serif;fill:var(--soft)}
svg text.on{fill:var(--fg)}svg text.strong{font-weight:600;fill:var(--fg)}
.grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke-width:2;stroke-linejoin:round}
.whisker{stroke:var(--fg);stroke-width:1;fill:none;opacity:.65}
.legend{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:.4rem 0 0;padding:0;list-style:none}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em;vertical-align:-.05em}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--grid);text-align:right;vertical-align:top}
th{color:var(--soft);font-weight:500}td:first-child,th:first-child,td.l,th.l{text-align:left}
.times{font-weight:700;color:var(--c6)}.yes{color:var(--good);font-weight:600;white-space:nowrap}
.no{color:var(--bad);font-weight:600;white-space:nowrap}details{margin:.6rem 0}summary{cursor:pointer;padding:.4rem 0}
p,h1,h2,h3,li,td,summary{overflow-wrap:break-word}.wide td,.wide th{overflow-wrap:normal}
@media(min-width:560px){.pairs svg text{font-size:13px}}
@media(max-width:640px){body{padding:.5rem}.card{padding:.5rem}ul{padding-left:1.2rem}.legend{padding:0}.plain thead{display:none}.plain tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--grid)}
.plain td{display:flex;justify-content:space-between;border:0;padding:.1rem 0;text-align:right}.plain td:first-child{font-weight:600;text-align:left}
.plain td[data-k]::before{content:attr(data-k);color:var(--soft);font-weight:400;padding-right:1rem;text-align:left;flex:none}}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}.f8{fill:var(--c8)}.f9{fill:var(--c9)}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}.s8{stroke:var(--c8)}.s9{stroke:var(--c9)}
.b0{background:var(--c0)}.b1{background:var(--c1)}.b2{background:var(--c2)}.b3{background:var(--c3)}.b4{background:var(--c4)}.b5{background:var(--c5)}.b6{background:var(--c6)}.b7{background:var(--c7)}.b8{background:var(--c8)}.b9{background:var(--c9)}
)css";

}  // namespace berth::bench
