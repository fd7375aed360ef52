/** What the proxies have counted of the sets behind a Service. */
export interface ServedCounts {
  placeholder: true;
}
