// Only in a file of all pages: a picture lies in it once, and where it is shown again, it is taken from there.
for (const image of document.querySelectorAll("img[data-copy]")) {
  image.src = document.getElementById(image.dataset.copy).src;
}
