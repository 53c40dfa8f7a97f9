#!/bin/sh
# Makes the media of this folder with ffmpeg: 1 second of 25 pictures of 128x96, with a tone beside some.
set -eu
cd "$(dirname "$0")"
picture="-f lavfi -i testsrc2=size=128x96:rate=25:duration=1"
tone="-f lavfi -i sine=frequency=440:duration=1"
x264="-c:v libx264 -preset veryslow -bf 3 -b_strategy 0 -refs 4 -g 12 -crf 40 -x264-params b-pyramid=normal:scenecut=0"
x265="-c:v libx265 -preset medium -crf 45 -x265-params log-level=none:bframes=3:b-adapt=0:b-pyramid=1:keyint=12:open-gop=0:no-info=1"
exact="-fflags +bitexact -flags:v +bitexact -flags:a +bitexact"
opus="-c:a libopus -b:a 8k -ac 1"
make() { ffmpeg -y -v error "$@"; }
# shellcheck disable=SC2086 # the options are lists of words
{
	make $picture $exact $x264 clip.h264
	make $picture $exact -c:v libx264 -bf 0 -g 12 -crf 40 plain.h264
	make $picture $exact $x265 clip.h265
	make $picture $exact -c:v libx265 -crf 45 -x265-params log-level=none:bframes=0:keyint=12:no-info=1 plain.h265
	make $picture $tone $exact -c:v libx264 -bf 0 -g 12 -crf 40 $opus plain.ts
	make -r 25 -i plain.h265 $tone $exact -c:v copy $opus plain.mp4
	make $picture $exact -c:v libvpx -crf 63 -b:v 20k -g 12 vp8.ivf
	make $picture $exact -c:v libvpx-vp9 -crf 60 -b:v 0 -g 12 -row-mt 0 vp9.ivf
	make $picture $exact -c:v libaom-av1 -crf 60 -cpu-used 8 -g 12 -lag-in-frames 0 av1.ivf
	make $tone $exact $opus tone.ogg
	make $picture $tone $exact $x264 -c:a aac -b:a 8k h264_aac.ts
	make $picture $tone $exact $x265 $opus h265_opus.ts
	make $picture $tone $exact $x264 $opus -movflags +faststart h264_opus.mp4
	make $picture $tone $exact $x264 -c:a aac -b:a 8k h264_aac.mp4
	make $picture $tone $exact $x264 $opus -movflags +frag_keyframe+empty_moov+default_base_moof fragments.mp4
	make $picture $exact $x265 -tag:v hvc1 h265.mp4
	make -i av1.ivf -c copy $exact av1.mp4
	make -i vp9.ivf -c copy $exact -movflags +frag_keyframe vp9.mp4
}
