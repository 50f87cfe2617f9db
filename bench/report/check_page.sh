#!/usr/bin/env bash
# A report's page is readable on a phone: what its text says of that, or what Chromium measures of it 360 wide.
#   check_page.sh static|measured PROGRAM ARGUMENTS...     (--html and a file are added)
# Where there is no Chromium the second is skipped.
set -euo pipefail
how=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
page=$scratch/page.html
faults=0
fault() { echo "the page: $*" && faults=1; }

browser=''
if [[ $how == measured ]]; then
    for name in chromium chromium-browser google-chrome; do
        browser=$(command -v "$name" || true)
        [[ -z $browser ]] || break
    done
    if [[ -z $browser ]]; then
        echo "skipped: no chromium here"
        exit 77
    fi
fi
"$@" --html "$page" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; exit 1; }

static() {
    local style body tables
    style=$(grep -o '<style>.*' "$page" && sed -n '/<style>/,/<\/style>/p' "$page")
    body=$(tr '\n' ' ' <"$page" | sed 's/.*<\/style>//')
    grep -q '<meta name="viewport" content="width=device-width,initial-scale=1">' "$page" || fault "no viewport"
    grep -q 'prefers-color-scheme:dark' <<<"$style" || fault "no colours for the dark"
    grep -q '\.wide{overflow-x:auto}' <<<"$style" || fault "nothing scrolls by itself"
    # A min-width of a media query asks for room, elsewhere it takes it.
    if sed 's/@media([^)]*)//g' <<<"$style" | grep -E '[;{](min-)?width:[0-9.]+(px|r?em)' | grep -vE '\{?width:\.8em'; then
        fault "a width that is fixed"
    fi
    if grep -oE 'font(-size)?:(0?\.[0-9]+r?em|[0-9]px|1[0-5](\.[0-9]+)?px)' <<<"$style" | grep -v 'font-size:13px'; then
        fault "letters below 16"  # 13: of charts in two columns, which are drawn larger
    fi
    if grep -oE 'style="[^"]*width|<(svg|table|div|img)[^>]* width=' <<<"$body"; then fault "a width in the text"; fi
    if grep -oE '<svg [^>]*>' <<<"$body" | grep -v 'viewBox='; then fault "a chart that does not scale"; fi
    tables=$(grep -oE '<table' <<<"$body" | wc -l)
    ((tables > 0)) || fault "no table at all"
    [[ $(grep -oE '<div class="wide"><table' <<<"$body" | wc -l) == "$tables" ]] ||
        fault "a table that is in no box that scrolls"
    echo "$tables tables, $(grep -oE '<svg' <<<"$body" | wc -l) charts"
}

measured() {
    local said
    sed -i 's/<details>/<details open>/g' "$page"
    cat >"$scratch/phone.html" <<'EOF'
<!doctype html><body><iframe src="page.html" style="border:0;width:360px;height:800px" onload="
const page = this.contentDocument, texts = [...page.querySelectorAll('svg text')];
const scale = t => t.ownerSVGElement.getBoundingClientRect().width / t.ownerSVGElement.viewBox.baseVal.width;
const size = t => parseFloat(this.contentWindow.getComputedStyle(t).fontSize) * (t.ownerSVGElement ? scale(t) : 1);
const small = [...page.querySelectorAll('svg text, p, li, td, th, summary')].filter(t => size(t) < 16);
const out = texts.filter(t => {
    const own = t.getBoundingClientRect(), chart = t.ownerSVGElement.getBoundingClientRect();
    return own.left < chart.left - 1 || own.right > chart.right + 1;
});
const words = list => list.length + ' ' + [...new Set(list.map(t => t.textContent.slice(0, 40)))].slice(0, 5);
document.body.title = 'width ' + page.documentElement.scrollWidth + ', small ' + words(small) + ', cut ' + words(out);
"></iframe></body>
EOF
    timeout 100 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-crash-reporter \
        --disable-breakpad --no-first-run --disable-dev-shm-usage --allow-file-access-from-files \
        --user-data-dir="$scratch/profile" --dump-dom "file://$scratch/phone.html" >"$scratch/dom" 2>"$scratch/said" ||
        { tail -5 "$scratch/said" >&2; fault "the browser ended with $?"; }
    said=$(grep -oE '<body title="[^"]*"' "$scratch/dom" || true)
    echo "$said"
    [[ $said =~ width\ ([0-9]+),\ small\ ([0-9]+)\ .*cut\ ([0-9]+) ]] || { fault "no measures: $said"; return; }
    ((BASH_REMATCH[1] <= 360)) || fault "it is ${BASH_REMATCH[1]} wide, and the phone 360"
    ((BASH_REMATCH[2] == 0)) || fault "letters below 16"
    ((BASH_REMATCH[3] == 0)) || fault "words that leave their chart"
}

"$how"
exit "$faults"
