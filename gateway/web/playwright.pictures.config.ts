import base from "./playwright.config";

// Pictures of every page, to be looked at: `npm run pictures`, then test-results/pictures. Best on a mesh whose recogniser
// knows the sample talk's words (VIDMESH_ENDPOINT, VIDMESH_TOKEN; VIDMESH_TEST_JOBS_TOKEN for a tenant with nothing).
export default {
  ...base,
  testDir: "tests/pictures",
  workers: 1,
  timeout: 300_000,
};
