#!/bin/sh
# Makes the edits of a folder of tasks by ImageMagick: edit.sh DIR
#
# It is a baseline that knows nothing of faces: it tints the image by label, and blends the reference in. Every line of
# tasks.csv is one edit; no field has a comma or a space, so that a plain `read` takes it apart. An edit that is there
# is not made again: stopped, the same call goes on.
set -eu
cd "$1"
magick=${MAGICK:-convert}    # ImageMagick 7: MAGICK=magick

# The operation for a label that is turned on or off: ImageMagick's own words.
operation() {
  case $1 in
    +Gray_Hair) echo "-modulate 100,60" ;;
    -Young) echo "-modulate 95,80 -sharpen 0x1" ;;
    +Young) echo "-modulate 105,110 -blur 0x0.6" ;;
    +Black_Hair) echo "-brightness-contrast -12x6" ;;
    +Blond_Hair) echo "-fill gold -colorize 8" ;;
    +Smiling) echo "-modulate 104,112" ;;
    +*) echo "-fill white -colorize 5" ;;
    *) echo "-fill black -colorize 5" ;;
  esac
}

tail -n +2 tasks.csv | while IFS=, read -r task mode source reference on off strength mix seed edit; do
  if [ -e "$edit" ]; then continue; fi
  if [ -n "$mix" ]; then continue; fi    # it cannot weigh label against reference: the page has a dash there
  if [ "$mode" = reference ]; then
    share=$(awk "BEGIN { print 30 * ${strength:-1} }")
    set -- "$source" "$reference" -define "compose:args=$share" -compose blend -composite
  else
    if [ -n "$strength" ]; then continue; fi    # nor can it tint more or less
    set -- "$source"
    for name in $(printf '%s' "$on" | tr ';' ' '); do set -- "$@" $(operation "+$name"); done
    for name in $(printf '%s' "$off" | tr ';' ' '); do set -- "$@" $(operation "-$name"); done
  fi
  # PNG24 is 8-bit RGB, whatever the image has. A half-written file never has the edit's name.
  "$magick" "$@" "PNG24:$edit.part" </dev/null
  mv "$edit.part" "$edit"
done
