#!/bin/sh
# Makes the clips of this folder with ffmpeg 5.1 (libx264, libx265, libvpx, libaom): 20 pictures of a moving test card, or 2.
# They are checked in, so that tests need no ffmpeg.
set -eu
card() { # card OUTPUT SIZE OPTIONS...
	output=$1 size=$2
	shift 2
	ffmpeg -nostdin -loglevel error -y -f lavfi -i "testsrc2=size=$size:rate=10:duration=2" -pix_fmt yuv420p "$@" "$output"
}
card main.h264 128x96 -c:v libx264 -profile:v main -x264-params keyint=10:scenecut=0:bframes=2:b-pyramid=normal:aud=1
card baseline.h264 128x96 -c:v libx264 -profile:v baseline -x264-params keyint=10:scenecut=0
card opengop.h264 128x96 -c:v libx264 -profile:v high -x264-params keyint=5:min-keyint=1:scenecut=0:bframes=2:b-pyramid=normal:open-gop=1
card opengop-cavlc.h264 128x96 -c:v libx264 -profile:v high -x264-params keyint=5:min-keyint=1:scenecut=0:bframes=2:b-pyramid=none:open-gop=1:cabac=0
card refresh.h264 128x96 -c:v libx264 -profile:v high -x264-params keyint=8:intra-refresh=1:bframes=0
card closed.h265 128x96 -c:v libx265 -x265-params log-level=error:keyint=10:scenecut=0:bframes=2:aud=1:open-gop=0:info=0
card opengop.h265 128x96 -c:v libx265 -x265-params log-level=error:keyint=10:scenecut=0:bframes=3:open-gop=1:info=0
card layers.h265 128x96 -c:v libx265 -x265-params log-level=error:keyint=10:scenecut=0:bframes=3:temporal-layers=1:info=0
card small.vp8.ivf 128x96 -c:v libvpx -g 10 -b:v 100k
card small.vp9.ivf 128x96 -c:v libvpx-vp9 -g 10 -b:v 60k -auto-alt-ref 1 -lag-in-frames 8
card small.av1.ivf 128x96 -c:v libaom-av1 -g 10 -b:v 60k -cpu-used 8 -lag-in-frames 8
card large.vp8.ivf 192x112 -c:v libvpx -g 10 -b:v 100k -frames:v 2
card large.vp9.ivf 192x112 -c:v libvpx-vp9 -g 10 -b:v 100k -frames:v 2
card large.av1.ivf 192x112 -c:v libaom-av1 -g 10 -b:v 60k -cpu-used 8 -frames:v 2
card large.h265 192x112 -c:v libx265 -x265-params log-level=error:info=0 -frames:v 2
card large.h264 192x112 -c:v libx264 -profile:v high -frames:v 2
