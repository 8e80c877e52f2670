/** Addresses of what a browser saves as a file. */
const at = (path: string, query: Record<string, string> = {}) => {
  const text = new URLSearchParams(query).toString();
  return `/api/v1${path}${text && `?${text}`}`;
};

export const recipientsOfRun = (run: string) => at(`/runs/${encodeURIComponent(run)}/recipients`);

/** The rows of a delivery that were left out, for one reason or for all. */
export const rejects = (run: string, delivery: string, reason?: string) =>
  at(`/runs/${encodeURIComponent(run)}/rejects`, { delivery, ...(reason && { reason }) });
