/** A Deployment of plain shell loops, for the process runtime: it logs a line and stays. */
export function webManifest(namespace: string): string {
  return `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${namespace}
  labels: { app: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: example.com/web:1
          command: [sh, -c, 'echo hello from $(VERSION); exec sleep 3600']
          env: [{ name: VERSION, value: one }]
          resources: { requests: { cpu: 1m, memory: 1Mi } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: ${namespace} }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;
}
