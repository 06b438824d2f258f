/** @type {import('next').NextConfig} */
export default {
  // Models run on threads that are started from files, and by a native library: neither can be bundled.
  serverExternalPackages: ['nestor'],
};
