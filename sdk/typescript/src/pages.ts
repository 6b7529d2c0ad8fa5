// Reading lists to their end.

export interface Page {
  nextPageToken: string;
}

/** Yields every page of a list; `list` is given the token of the page to fetch, empty for the first one. */
export async function* pages<P extends Page>(
  list: (pageToken: string) => Promise<P>,
): AsyncGenerator<P, void, undefined> {
  let token = "";
  do {
    const page = await list(token);
    yield page;
    token = page.nextPageToken;
  } while (token !== "");
}
