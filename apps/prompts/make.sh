#!/bin/sh
# Speaks en.txt into WAV files beside it, and the text of each other language into a folder of its name:
# 8 kHz, 16 bits, mono, speech at -20 dBov. Needs espeak-ng and sox. Without arguments all prompts are made,
# otherwise those named, in every language that has them.
# The same text gives the same bytes, so only what was changed shows up as a difference.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

level=-20
longest_lonely=2.0

# The RMS level in dBov of what is left of the speech when its pauses are cut out.
speech_level() {
    sox "$1" -n silence 1 0.01 1% -1 0.05 1% stats 2>&1 | awk '/^RMS lev dB/ { print $4 }'
}

speak() {
    name=$1 text=$2
    # shellcheck disable=SC2086 # the voice is several arguments
    espeak-ng $voice -w "$scratch/raw.wav" "$text"
    # Without the silence around it; what no telephone carries goes before it is measured.
    sox -D -R "$scratch/raw.wav" -r 8000 -b 16 -c 1 "$scratch/cut.wav" \
        gain -12 highpass 120 rate -v 8000 \
        silence 1 0.01 0.3% reverse silence 1 0.01 0.3% fade 0.005 reverse fade 0.005 \
        gain -n -3
    gain=$(speech_level "$scratch/cut.wav" | awk -v level="$level" '{ print level - $1 }')
    sox -D -R -G "$scratch/cut.wav" -b 16 "$name.wav" gain "$gain" pad 0.05 0.1
    printf '%-22s %5.2f s  %6.1f dBov\n' "$name" "$(soxi -D "$name.wav")" "$(speech_level "$name.wav")"
}

for texts in *.txt; do
    case ${texts%.txt} in
        en) folder='' voice='-v en-us -s 150 -p 42 -g 1' ;;
        *) folder=${texts%.txt}/ voice="-v ${texts%.txt} -s 150 -p 42 -g 1" ;;
    esac
    [ -z "$folder" ] || mkdir -p "$folder"
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        name=${line%% = *} text=${line#* = }
        if [ $# -gt 0 ]; then
            case " $* " in *" $name "*) ;; *) continue ;; esac
        fi
        speak "$folder$name" "$text" </dev/null
    done <"$texts"
done

# Whoever is alone is told so briefly.
soxi -D only-participant.wav */only-participant.wav | awk -v longest="$longest_lonely" '
    $1 > longest { print "only-participant is longer than " longest " s"; exit 1 }'

# What those hear who wait: a slow broken chord, 12 s, that joins its own beginning.
if [ $# -eq 0 ] || [ "$*" = hold-music ]; then
    parts=
    for notes in 'C4 G4 E5' 'A3 E4 C5' 'F3 C4 A4' 'G3 D4 B4'; do
        i=0
        for note in $notes; do
            sox -D -R -n -r 8000 -b 16 -c 1 "$scratch/note$i.wav" synth 3 pluck "$note" delay "$(awk -v i=$i 'BEGIN { print i * 0.75 }')" trim 0 3 fade 0.005 3 0.4 gain -6
            i=$((i + 1))
        done
        sox -D -R -m "$scratch/note0.wav" "$scratch/note1.wav" "$scratch/note2.wav" -b 16 "$scratch/chord${notes%% *}.wav"
        parts="$parts $scratch/chord${notes%% *}.wav"
    done
    # shellcheck disable=SC2086 # several files
    sox -D -R $parts -b 8 -c 1 -e mu-law -t raw hold-music.ulaw lowpass 3000 gain -n -20
fi
